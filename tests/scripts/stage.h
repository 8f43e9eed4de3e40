/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for scripts: a small cluster in namespaces with a real agent, changed by verbs, crossed by real sockets and
 * by frames of one's own making.
 *
 *	s = stage_open(NULL);				three namespaces, their pods, two nodes, two outsiders
 *	stage_do(s, "createPolicy: {...}");
 *	stage_call(s, &call, "x/b", "x/a", 80);		a TCP connection by real sockets
 *	CHECK(stage_says(s, call.opener, call.receiver), "it lives");
 *	stage_close(s);
 *
 * Whatever cannot be done ends the script with a failed check.
 */
#ifndef WEIR_TESTS_SCRIPTS_STAGE_H
#define WEIR_TESTS_SCRIPTS_STAGE_H

#include "lib/suite/town.h"

struct stage {
	struct cluster *cluster;
	struct hand *hand;
	struct town *town;
	struct complaint why;
	unsigned int port;		/* the next fresh one */
	bool good;			/* false: something could not be done */
};

struct stage_options {
	const char *more;		/* state besides the usual, as YAML: "policies: [...]" */
	bool stack, keep_nodes, hairpin;
	bool standing;			/* an agent that can be killed and comes back */
};

/* The world: x/a x/b y/a y/b z/a (10.244.N.H, fd00:10:244:N::H), n1 (under test) n2, e1 203.0.113.7, e2 198.51.100.9. */
struct stage *stage_open(const struct stage_options *options);
void stage_close(struct stage *s);
void stage_do(struct stage *s, const char *yaml);	/* one verb, or several as a list; in force when it returns */
void stage_live(struct stage *s);			/* tells the agent what the cluster is by now */

void stage_guard(struct stage *s, const char *pod, bool guarded);	/* its interface is handed to the agent, or taken away */
void stage_later(struct stage *s, unsigned int seconds);	/* a standing agent's programs believe that so much time has passed */

struct place *stage_place(struct stage *s, const char *name);
struct weir_addr stage_addr(struct stage *s, const char *name, unsigned int family);

/* Frames: sent as from 'from' to 'to'; true if it arrived there, known by its source port. */
struct wire stage_wire(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port);
bool stage_arrives(struct stage *s, const char *from, const char *to, const struct wire *w);
bool stage_probe(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port);	/* a fresh one, IPv4 */
bool stage_probe6(struct stage *s, const char *from, const char *to, __u8 proto, __u16 port);

/* Real connections. */
struct call {
	int opener, receiver;		/* connected; -1: none */
};
bool stage_call(struct stage *s, struct call *c, const char *from, const char *to, __u16 port);
void stage_hang_up(struct call *c);
bool stage_says(struct stage *s, int from, int to);	/* a byte written there is read here within 80 ms */
int stage_socket(struct stage *s, const char *at, int type, __u16 port);	/* bound to its IPv4 address; or -1 */
struct call stage_udp(struct stage *s, const char *from, const char *to, __u16 port);	/* both bound and connected */

#endif
