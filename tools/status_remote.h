/* SPDX-License-Identifier: Apache-2.0 */
/* The state of whoever answers by gRPC: a relay's whole cluster, an agent, or a server of the Hubble API alone. */
#ifndef WEIR_TOOLS_STATUS_REMOTE_H
#define WEIR_TOOLS_STATUS_REMOTE_H

#include "tools/ask.h"

/* 'one' prints an agent's own status.  Returns the exit code. */
int status_remote(const struct verb_want *want, const char *server, ask_fn one);

/* A line for what was rejected: 'before', a node's name if there is one, and the words, of which none paints a terminal. */
void status_rejected(const char *before, const char *node, const Weir__V1__Rejected *r);

/* What any server of the Hubble API says of itself, as hubble prints it: -o compact, dict or table. */
#define STATUS_OUTPUTS "compact|dict|table"
int status_hubble(const struct verb_want *want);

#endif
