/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serve: the gRPC thread.  observer.Observer, peer.Peer, weir.v1.Agent, health and reflection, on a unix socket and, if
 * asked for, by TCP.
 *
 *	serve_open(&s, agent, &why);		listens and runs from here on; not serving yet, says health
 *	serve_ready(s);				what is known at start is in force
 *	serve_close(s);				streams end, calls get a moment, the thread is gone
 *
 * The thread reads the history, the ends, rules, edges and losses; cluster state it asks the loop for (agent/errand.h).
 * What it does for a client is bounded: calls, bytes of a request, records looked at in one go.
 */
#ifndef WEIR_AGENT_SERVE_H
#define WEIR_AGENT_SERVE_H

#include "agent/peers.h"
#include "lib/complaint.h"
#include "lib/rpc/credentials.h"
#include "lib/rpc/server.h"

#define SERVE_CALLS 4096		/* at once */

struct agent;
struct flow_views;
struct serve;

/* The parts that it reads must be there; it is closed before them. */
int serve_open(struct serve **out, struct agent *a, struct complaint *why);
void serve_close(struct serve *s);		/* NULL is fine */
void serve_ready(struct serve *s);		/* NULL is fine, here and below */

struct settings;
int serve_check(const struct settings *want, struct complaint *why);	/* are its files what they should be? */

/* Any thread. */
void serve_news(struct serve *s);		/* for who follows: there is something new */
struct labels;
void serve_node_labels(struct serve *s, const struct labels *labels);	/* of this node: flows carry them; the loop's thread */
struct peers *serve_peers(struct serve *s);
unsigned int serve_port(const struct serve *s);	/* 0: no TCP */

/* For metrics, any thread. */
const struct flow_views *serve_views(const struct serve *s);	/* how its flows are told; NULL is fine, and the answer then */
struct rpc_server *serve_server(const struct serve *s);
bool serve_tls(const struct serve *s, struct certs_state *out);	/* false: no TLS */
void serve_tls_check(const struct serve *s, unsigned int days);	/* as rpc_server_tls_check(); NULL is fine */
struct serve_counts {
	unsigned int streams;			/* GetFlows, now */
	uint64_t hints_asked, hints_refused;
};
void serve_count(const struct serve *s, struct serve_counts *out);

#endif
