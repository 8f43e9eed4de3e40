/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference evaluator: what the text of the API says about one packet, read from the manifests themselves.
 * It shares nothing with the compiler and its readers: no index, no class, no cache; each question walks
 * every policy.  Slow, and easy to check against the rules by eye.
 *
 *	r = reference_new(manifests, REFERENCE_KUBERNETES);
 *	reference_side(r, REFERENCE_INGRESS, src, dst, 6, 443, false, &said);
 *	reference_free(r);
 *
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d.  The manifests are borrowed and must outlive it.
 */
#ifndef WEIR_TESTS_REFERENCE_H
#define WEIR_TESTS_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/suite/value.h"

enum reference_mode { REFERENCE_KUBERNETES, REFERENCE_DEFAULT_DENY };
enum reference_dir { REFERENCE_INGRESS, REFERENCE_EGRESS };

enum reference_author {
	REFERENCE_NOT_SUBJECT,		/* the side is no pod that policies speak of */
	REFERENCE_OPEN,			/* nobody isolates it */
	REFERENCE_ISOLATED,		/* a NetworkPolicy isolates it, no rule matches */
	REFERENCE_CLOSED,		/* mode default-deny */
	REFERENCE_RULE,
};

struct reference_said {
	bool allow;
	enum reference_author author;
	const char *tier;		/* RULE: "admin", "networkpolicy", "baseline" */
	const char *ns, *policy;	/* ns "" for cluster tiers; of several that allow, the first by name */
	unsigned int index;		/* of the rule, from 0 */
};

struct reference;
struct reference *reference_new(const struct value *manifests, enum reference_mode mode);
void reference_free(struct reference *r);

/* What the policies of one side say of a connection from src to dst.  'audited': as if audited ones counted. */
void reference_side(const struct reference *r, enum reference_dir dir, const uint8_t src[16], const uint8_t dst[16],
		    uint8_t proto, uint16_t port, bool audited, struct reference_said *out);
/* Does any policy, audited or not, select the address's pod in that direction. */
bool reference_is_selected(const struct reference *r, enum reference_dir dir, const uint8_t addr[16]);
/* Does the address belong to a pod, not on the host's network, of that node. */
bool reference_is_local(const struct reference *r, const uint8_t addr[16], const char *node);
/* Both sides. */
bool reference_allows(const struct reference *r, const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint16_t port);

#endif
