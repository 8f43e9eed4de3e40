/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets through a datapath by test-run, and what one costs: CPU time of this thread, a wrapper's included, so that an
 * empty datapath under the same wrapper is subtracted (performance.md tells the method).
 *
 *	runs_open(&r);
 *	struct runs_subject ours = { "weir, IPv4", datapath_prog_fd(dp, false), .ifindex = { 5, 6 }, ... };
 *	ns = runs_go(r, &ours, RUNS_RANDOM, 20000, &(struct runs_packet){ .tcp = 0x10 });
 */
#ifndef WEIR_BENCH_RUNS_H
#define WEIR_BENCH_RUNS_H

#include <stdbool.h>

#include <weir/base.h>

enum runs_wrapper { RUNS_ONE, RUNS_RANDOM, RUNS_ALL, RUNS_NEW, RUNS_DENIED, RUNS_PEERS, RUNS_WRAPPERS };

struct runs;
struct runs_subject {
	const char *name;
	int fd;
	bool six;
	unsigned int ifindex[2];	/* of the client's hook and of the server's */
	void (*drain)(void *ctx);	/* NULL: no ring */
	void *ctx;
};
struct runs_packet {
	bool back;			/* from the server to the client */
	__u8 tcp;			/* flags */
	unsigned int flows;		/* RANDOM, ALL: a power of two */
	unsigned int peers;		/* PEERS */
	bool from_start;		/* ALL: begin with the first flow */
};
enum { RUNS_SYN = 2, RUNS_ACK = 0x10, RUNS_SYN_ACK = 0x12 };

int runs_open(struct runs **out);
void runs_close(struct runs *r);
int runs_empty(const struct runs *r);	/* descriptor of the empty datapath */

/* ns a packet; what the last packet was answered is in 'verdict' (TC_ACT_*, as the program returned it). */
double runs_go(struct runs *r, const struct runs_subject *s, enum runs_wrapper w, unsigned int n,
	       const struct runs_packet *p, int *verdict);

/* Opens 'flows' flows and confirms them: SYN, its answer, ACK. */
void runs_confirm(struct runs *r, const struct runs_subject *s, unsigned int flows);

#endif
