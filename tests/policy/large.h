/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large worlds, object by object, each valid until the next of its kind: namespaces of 100 pods, ten deployments of
 * ten pods each; a tenth of the policies deny by default, a tenth allow DNS, the rest select a deployment: peers by
 * label, by expressions, by namespace labels, by CIDR; ports by number, range and name.  A cluster policy for every 500.
 * Each call with equal arguments gives an equal object.
 */
#ifndef WEIR_TESTS_POLICY_LARGE_H
#define WEIR_TESTS_POLICY_LARGE_H

#include "lib/netpol/object.h"

#define LARGE_SPACE 100			/* pods in a namespace */

struct large {
	unsigned int pods, policies, local;
	bool dual;			/* two addresses a pod */
};

void large_begin(const struct large *world);
bool large_local(unsigned int pod);	/* pods from 1 */
unsigned int large_nth_local(unsigned int i);
const struct object *large_node(void);	/* the pod prefixes */
const struct object *large_space(unsigned int id, unsigned int edit);	/* from 1 */
struct object *large_pod(unsigned int id);
void large_address(struct object *pod, unsigned int a);	/* another, IPv4, and the only one */
void large_label(struct object *pod, const char *key, const char *value);	/* added or changed */
struct object *large_policy(unsigned int id, unsigned int edit);

/* Parts for hostile policies. */
struct object *large_empty(const char *ns, const char *name, enum policy_tier tier);
struct rule *large_rule(struct object *policy, enum weir_dir dir, enum rule_action action);
struct peer *large_peer(struct rule *r);		/* of the policy under way */
void large_port(struct rule *r, unsigned char proto, unsigned short first, unsigned short last);
void large_block(struct peer *p, unsigned int a, unsigned int length, unsigned int excepts);
struct selector large_selector(const char *key, const char *value);
const char *large_text(const char *format, unsigned int n);	/* good for the next 65,535 calls */

#endif
