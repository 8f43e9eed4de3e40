/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for the kernel programs, by BPF_PROG_TEST_RUN: interfaces that exist (in a network namespace of the
 * calling process), pods, policies, packets written as text, and why each met its fate.
 *
 *	world_open(&w, NULL);
 *	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
 *	world_isolate(w, B, WEIR_INGRESS);
 *	world_commit(w);
 *	reason = world_send(w, FROM(A), "tcp 10.0.0.1:4000 > 10.0.0.2:80 S");
 *
 * Who lives there (world_addr says it as a table): pods A B C, a remote pod, an outside client, the node itself, a pod
 * not yet known, an address taken over, a prefix granted to C's namespace.  All state is the maps'; a world is closed by
 * its process' end.
 */
#ifndef WEIR_TESTS_BPF_WORLD_H
#define WEIR_TESTS_BPF_WORLD_H

#include <weir/control.h>
#include <weir/endpoint.h>
#include <weir/flow.h>
#include <weir/policy.h>
#include <weir/record.h>

#include <bpf/bpf.h>
#include "bpf/weir.skel.h"

enum { A = 1, B, C, PODS };			/* endpoint numbers */
enum who { WHO_A = A, WHO_B, WHO_C, WHO_REMOTE, WHO_OUTSIDE, WHO_NODE, WHO_STRANGER, WHO_RESTING, WHO_GRANT, WHO_OTHER, WHOS };
#define CLASS(who) (WEIR_CLASS_FIRST + (who))

/* Interfaces: the host ends of the pods' veths, the uplink, a bridge that B's end is a port of, one that weir does not know. */
enum interface { IF_NONE, IF_A = A, IF_B, IF_C, IF_UPLINK, IF_BRIDGE, IF_FOREIGN, IFS };

/* Where a packet is met: the hook of an interface, and by which it came into the node. */
struct place {
	int to_pod;
	enum interface at, in;
};
#define FROM(pod) ((struct place){ 0, (enum interface)(pod), (enum interface)(pod) })
#define TO(pod, by) ((struct place){ 1, (enum interface)(pod), by })

struct rule {
	int pod;			/* 0: every pod */
	enum weir_dir dir;
	int peer;			/* enum who, 0: everybody */
	int proto;			/* 0: everything, portless too */
	unsigned int first, last;	/* ports; 0, 0: all */
	unsigned int rule;		/* its number */
	int deny;
	int audited;			/* decides only the would-be verdict */
};
#define ALLOWS(pod, dir, peer, proto, first, last, nr) ((struct rule){ pod, dir, peer, proto, first, last, nr, 0, 0 })
#define DENIES(pod, dir, peer, proto, first, last, nr) ((struct rule){ pod, dir, peer, proto, first, last, nr, 1, 0 })
#define WOULD_DENY(pod, dir, peer, proto, first, last, nr) \
	((struct rule){ pod, dir, peer, proto, first, last, nr, 1, 1 })

/* One whole store, as the agent makes it. */
#define ONCE_STORE(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

struct world {
	struct weir_bpf *skel;
	struct weir_bucket *flows;
	struct weir_endpoint *endpoints;
	struct weir_usage *usage;
	struct weir_cells *cells;
	struct weir_range *ranges;
	struct weir_ask *asked;
	struct weir_denied *denied;
	struct weir_denied_sum *denied_sums;
	struct weir_fragment *fragments;
	__u64 *slots, *hits;
	struct weir_control *control, first;
	int ifindex[IFS];
	struct rule rule[64];
	unsigned int rules, isolated, range, cell;
	int retval;			/* of the last packet */
	unsigned int gso_size, gso_segs;	/* of the next packets */
	struct weir_record last;	/* the newest record drained, whatever its ring */
	unsigned int kinds[8];		/* records drained, by enum weir_kind */
};

int world_open(struct world **out, unsigned int buckets);	/* a power of two; quotas as large as the table */
void world_close(struct world *w);
void world_reset(struct world *w);		/* as if opened anew, and quicker */

void world_rule(struct world *w, struct rule r);
void world_isolate(struct world *w, int pod, enum weir_dir dir);
void world_open_policy(struct world *w);	/* no rules, nobody isolated */
void world_commit(struct world *w);		/* everything into fresh cells and ranges; the generation rises */
void world_quiet_commit(struct world *w);	/* the same, and it does not */
void world_word(struct world *w, enum who who, __u64 word);

/* Packets (packet.c's text). */
enum weir_reason world_send(struct world *w, struct place at, const char *text);
enum weir_reason world_send_raw(struct world *w, struct place at, const void *frame, unsigned int size);
unsigned int world_frame(__u8 *out, unsigned int room, const char *text);	/* 0: the text makes no sense */

/* Time passes for the programs. */
void world_later(struct world *w, unsigned int seconds);

void world_drain(struct world *w);		/* records since the last time: 'kinds' and 'last' start anew */
struct weir_sum world_sum(struct world *w, unsigned int what);
int world_expire(struct world *w);		/* runs 'expire' over 'asked' */

/* The flow's slot of a packet, either direction; NULL if it has none. */
struct flow_seen {
	__u32 bucket, way;
	__u64 tag, gate;
	struct weir_hot hot;
	struct weir_cold cold;
	__u64 packets, bytes;		/* both directions, totals included */
};
int world_flow(struct world *w, const char *text, struct flow_seen *out);
unsigned int world_flows(struct world *w);	/* slots in use */

const char *reason_word(enum weir_reason reason);
const char *who_addr(enum who who, int six);

#endif
