/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reference evaluator reads out of the manifests, and nothing else: pods, nodes, namespaces and policies, as
 * plain lists.  Known to tests/reference alone.  Like the rest of it, it shares nothing with the compiler and its readers.
 *
 *	ref_read(r, manifests);
 *	for (unsigned int i = 0; i < r->npod; i++) ... r->pod[i].labels
 *	ref_forget(r);
 *
 * Whatever points into the manifests is borrowed: names, labels, specs.
 */
#ifndef WEIR_TESTS_REFERENCE_READ_H
#define WEIR_TESTS_REFERENCE_READ_H

#include "tests/reference/reference.h"

struct address {
	uint8_t byte[16];		/* IPv4 as ::ffff:a.b.c.d */
};
struct named_port {
	const char *name;
	uint16_t port;
	uint8_t proto;
};
struct ref_pod {
	const char *ns;
	const struct value *labels;
	struct address addr[8];
	unsigned int naddr;
	struct named_port port[64];
	unsigned int nport;
	bool host;			/* on the host's network: its addresses are not its own */
	const char *created, *node;	/* created: text, which sorts as time does */
};
struct ref_node {
	const struct value *labels;
	struct address addr[8];
	unsigned int naddr;
};
struct ref_ns {
	const char *name;
	const struct value *labels;
};
struct ref_policy {
	const char *tier, *ns, *name;	/* "admin", "networkpolicy", "baseline"; ns "" for cluster tiers */
	long priority;
	bool audited, applies[2];	/* by enum reference_dir */
	const struct value *spec;
};
struct reference {
	enum reference_mode mode;
	struct ref_pod *pod;
	struct ref_node *node;
	struct ref_ns *ns;
	struct ref_policy *policy;	/* in the order of their names, cluster tiers by priority before that */
	unsigned int npod, nnode, nns, npolicy;
};

void ref_read(struct reference *r, const struct value *manifests);
void ref_forget(struct reference *r);

/* Words of the API as numbers. */
uint8_t ref_proto(const char *word);		/* as in an IP header; 255: none of the three */
bool ref_address(const char *text, struct address *out);
bool ref_is_v4(const struct address *a);

#endif
