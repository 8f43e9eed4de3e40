/* SPDX-License-Identifier: Apache-2.0 */
/* Who is meant: a lab by name or as the only one, one of its namespaces, the agent that answers for it. */
#ifndef WEIR_TOOLS_LAB_AT_H
#define WEIR_TOOLS_LAB_AT_H

#include "tools/lab.h"

/* A pod ("shop/web", or "web" if only one is called so), "node/NAME" or "outside": its full name and its node's,
 * which is "" for outside. */
int lab_who(const struct lab *lab, const char *text, char who[LAB_WORD], char node[LAB_WORD], struct complaint *why);

/* Moves the calling thread there, for good. */
int lab_go(const struct lab *lab, const char *who, struct complaint *why);

/* The agent of the only lab that is up, for verbs that were told no server: "unix:/run/weir-lab/demo/n1.sock".
 * False: no lab, or more than one.  'nodes': how many the lab has. */
bool lab_server(char server[PATH_MAX], unsigned int *nodes);

/* Where a lab serves gRPC, its relay if it has one, else its first agent: "unix:/run/weir-lab/demo/n1.observer.sock".
 * 'name' NULL: the only lab.  'nodes': for how many it does not speak, and itself. */
bool lab_observer(const char *name, char server[PATH_MAX], unsigned int *nodes);

/* The agent for the node that a pod lives on.  False: none such, or no single lab. */
bool lab_server_of(const char *pod, char server[PATH_MAX]);

#endif
