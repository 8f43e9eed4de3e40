/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The datapath: the kernel object loaded, its maps pinned and mapped, and the stores that change them.
 *
 *	datapath_open(&dp, &options, &why);		loads, or adopts what an earlier agent left
 *	compile_new(&c, NULL, datapath_op, dp);		its ops reach the kernel as they come
 *	datapath_interface_add(dp, ifindex, number);	closed from here on, once the hooks are attached
 *	datapath_arm(dp, number, &endpoint);		open as far as its sets say
 *	datapath_close(dp);				pins, links and enforcement stay
 *
 * All that writes is called on one thread, the loop's; reading is free for all.  What is mapped is written by
 * plain stores, an 8-byte word at a time where packets may be reading it.
 */
#ifndef WEIR_AGENT_DATAPATH_H
#define WEIR_AGENT_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/control.h>
#include <weir/endpoint.h>
#include <weir/flow.h>
#include <weir/life.h>
#include <weir/policy.h>
#include <weir/record.h>

#include "lib/complaint.h"
#include "lib/policy/op.h"

#define DATAPATH_DIR "/sys/fs/bpf/weir"

struct datapath;

struct datapath_options {
	const char *dir;	/* on a bpffs; NULL: DATAPATH_DIR; "private": nothing is pinned, all ends with the process */
	unsigned int buckets;	/* a power of two; 0: by the node's memory.  An adopted table keeps its own */
	bool observe_only;
	bool hairpin;
};

/* 0, or -errno with one line in 'why': what is missing, and what to do.  Nothing is left half-installed. */
int datapath_open(struct datapath **out, const struct datapath_options *options, struct complaint *why);
void datapath_close(struct datapath *dp);	/* NULL is fine */

/* Removes every pin below 'dir', links with them (what they attached is detached).  Only what weir made; the
 * directories too if they are empty then.  -EBUSY while an agent runs there. */
int datapath_remove(const char *dir, struct complaint *why);

bool datapath_adopted(const struct datapath *dp);	/* it found an earlier agent's maps */
bool datapath_private(const struct datapath *dp);
const char *datapath_pins(const struct datapath *dp);	/* DIR/ABI, where maps and links are pinned; "" if private */

/*
 * An op_fn.  Entries of the hash and the prefix map go in runs, which another kind of operation, an OP_GRACE or
 * datapath_grace_begin() ends; so an error may be an earlier operation's.  An OP_GRACE is waited for by the operation
 * behind it, about 8 ms, unless somebody has waited already.  So a commit's last one costs the loop nothing:
 *
 *	compile_commit(c, &report); mark = datapath_grace_begin(dp); grace_after(g, passed, me);
 *	passed(): datapath_grace_end(dp, mark); compile_settle(c);
 */
int datapath_op(void *dp, const struct op *op);
int datapath_flush(struct datapath *dp);		/* ends a run by hand */
unsigned int datapath_grace_begin(struct datapath *dp);	/* before grace_after(), whatever was sent last */
void datapath_grace_end(struct datapath *dp, unsigned int mark);
unsigned int datapath_raise(struct datapath *dp);	/* the generation, by hand.  Returns the new one */

/* Endpoints.  Sets come by OP_SET and are not touched here. */
int datapath_interface_add(struct datapath *dp, unsigned int ifindex, unsigned int number);	/* -EEXIST: another's */
void datapath_interface_remove(struct datapath *dp, unsigned int ifindex);

/* Another pod's from now on.  The one value of a hash map that is ever changed: an element that is reused under a
 * reader's feet names an endpoint with another ifindex, which is closed.  Removing and adding would be open between. */
int datapath_interface_move(struct datapath *dp, unsigned int ifindex, unsigned int number);
void datapath_arm(struct datapath *dp, unsigned int number, const struct weir_endpoint *e);	/* ifindex last */
void datapath_disarm(struct datapath *dp, unsigned int number);		/* ifindex first, then the rest, sets too */
void datapath_endpoint_flags(struct datapath *dp, unsigned int number, unsigned int flags);	/* enum weir_endpoint_flag */
void datapath_endpoint_via(struct datapath *dp, unsigned int number, unsigned int bridge);
void datapath_endpoint_quota(struct datapath *dp, unsigned int number, unsigned int slots, unsigned int half_open);
void datapath_set_observe_only(struct datapath *dp, bool on);
void datapath_set_hairpin(struct datapath *dp, bool judged);

/* What the kernel's maps hold, as memory: for the adopter, for `why`, for tests. */
struct datapath_view {
	const struct weir_control *control;
	const struct weir_endpoint *endpoint;	/* [WEIR_ENDPOINTS] */
	const struct weir_usage *usage;		/* [WEIR_ENDPOINTS] */
	const __u64 *word;			/* [WEIR_SLOTS], by address slot */
	const __u32 *cell;			/* [WEIR_CELLS] */
	const struct weir_range *range;		/* [WEIR_RANGES] */
	const struct weir_bucket *bucket;	/* [buckets] */
	struct weir_note *note;			/* [notes], by WEIR_NOTE_OF a flow slot's number: the reader's, also to write */
	struct weir_ledger *ledger;		/* likewise */
	unsigned int buckets;
	unsigned int notes;			/* buckets * WEIR_WAYS */
};
const struct datapath_view *datapath_view(const struct datapath *dp);
unsigned int datapath_agent(const struct datapath *dp);		/* how many agents have run here: 1 to 65535 */

/* The clock of tags: as programs see it now, asked of a program, for user space has no jiffies (.hz 0: it did not answer);
 * and how many nanoseconds a tick is. */
struct weir_time datapath_time(const struct datapath *dp);
uint64_t datapath_tick(const struct datapath *dp);

/* The hash and the prefix map, entry by entry; 'fn' returns 0 to go on.  Returns what fn returned, or -errno. */
typedef int (*datapath_prefix_fn)(void *ctx, const struct weir_prefix *prefix, unsigned int slot);
int datapath_addresses(const struct datapath *dp, datapath_prefix_fn fn, void *ctx);
int datapath_prefixes(const struct datapath *dp, datapath_prefix_fn fn, void *ctx);
typedef int (*datapath_interface_fn)(void *ctx, unsigned int ifindex, unsigned int number);
int datapath_interfaces(const struct datapath *dp, datapath_interface_fn fn, void *ctx);

/* Sizes, for status. */
struct datapath_map {
	const char *name;
	uint64_t bytes;			/* as the kernel accounts it */
};
unsigned int datapath_maps(const struct datapath *dp, struct datapath_map *map, unsigned int max);
uint64_t datapath_bytes(const struct datapath *dp);

/* One frame through the real program, by test-run. */
struct datapath_run {
	const void *frame;		/* from the Ethernet header on, 14 bytes or more */
	size_t size;
	unsigned int ifindex;		/* the hook's; must exist in the agent's namespace */
	unsigned int ingress_ifindex;	/* to_pod: by which interface it came in; 0: a socket of the node */
	bool to_pod;
	/* the answer */
	bool pass;
	bool redirected;
	enum weir_reason reason;	/* exact while nobody else's packets run through this datapath */
	bool recorded;			/* 'record' is what was written about it */
	struct weir_record record;
};
int datapath_run(struct datapath *dp, struct datapath_run *run);

/* For the agent's other kernel files. */
int datapath_prog_fd(const struct datapath *dp, bool to_pod);

#endif
