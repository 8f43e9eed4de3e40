/* SPDX-License-Identifier: Apache-2.0 */
/* How near a rule comes to a connection, and what keeps it away.  For explain.c. */
#ifndef WEIR_LIB_POLICY_NEAR_H
#define WEIR_LIB_POLICY_NEAR_H

#include "lib/policy/explain.h"
#include "lib/policy/line.h"

/* A connection and which of its ends is judged. */
struct asked {
	enum weir_dir dir;
	const struct explain_end *subject, *other, *dst;
	uint8_t proto;
	uint16_t port;
};

#define NEAR_WHOLE 60			/* of a peer or a port: it matches */

unsigned int near_peer(const struct asked *a, const struct object *policy, const struct peer *p);
unsigned int near_port(const struct asked *a, const struct port *p);
unsigned int near_ports(const struct asked *a, const struct rule *rule);	/* of the closest one */

/* What is missing, as a clause: "'rogue' lacks label app". */
void near_say_peer(struct line *l, const struct asked *a, const struct object *policy, const struct peer *p);
void near_say_ports(struct line *l, const struct asked *a, const struct rule *rule);

/* Does the policy speak of this end at all? */
bool near_selects(const struct object *policy, const struct explain_end *subject);

#endif
