/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints: which interface is which local pod's, and in what state that is.
 *
 *	endpoints_open(&e, &with, dir);
 *	endpoints_pod(e, object);  endpoints_pod_gone(e, "shop", "web");	as the cluster changes
 *	endpoints_add(e, &add, done, me);					whoever makes interfaces
 *	endpoints_committed(e);							its sets may be in force now
 *
 * A pod's interface is the one handed over by endpoints_add, else the one with the alias weir:<namespace>/<pod>,
 * else the one its annotation weir.dev/interface names, else the veth whose other end has one of its addresses.
 * Armed means: hooks attached, both sets in force, packets pass as policy says.  Until then nothing passes.
 *
 * A pod that leaves is closed first; its number serves another only after a generation, a sweep and the drained
 * rings.  Which number is whose is written to DIR/endpoints before the kernel is told, so that the next agent
 * keeps the numbers, and with them the connections.  One thread, the loop's.
 */
#ifndef WEIR_AGENT_ENDPOINTS_H
#define WEIR_AGENT_ENDPOINTS_H

#include "agent/attach.h"
#include "agent/events.h"
#include "agent/links.h"
#include "agent/names.h"
#include "agent/policies.h"

enum endpoint_state {
	ENDPOINT_ARMED,
	ENDPOINT_ARMING,		/* hooks or sets are on their way */
	ENDPOINT_NO_INTERFACE,
	ENDPOINT_NO_POD,		/* an interface that names a pod nobody knows */
	ENDPOINT_REFUSED,
};
const char *endpoint_state_word(enum endpoint_state state);	/* "armed", "waiting-for-interface" ... */

struct endpoints;

struct endpoints_with {			/* none of them ours */
	struct loop *loop;
	struct datapath *datapath;
	struct attach *attach;
	struct names *names;
	struct policies *policies;
	struct events *events;		/* NULL: nobody wants to know */
	bool all_local;			/* every pod lives here: a judge's may */
	bool handed_only;		/* no interface counts but those handed over: a judge's */
	bool stack;			/* no redirect anywhere */
};

int endpoints_open(struct endpoints **out, const struct endpoints_with *with, const char *dir);	/* dir NULL: no file */
void endpoints_close(struct endpoints *e);		/* NULL is fine; pods stay armed */

/* Links are told from here on: not before the pods are, or an adopted interface would look like nobody's. */
int endpoints_follow(struct endpoints *e);

void endpoints_pod(struct endpoints *e, const struct object *pod);	/* before the compiler takes the object */
void endpoints_pod_gone(struct endpoints *e, const char *ns, const char *name);
void endpoints_naming(struct endpoints *e);		/* sets are about to be given: numbers are written down */
void endpoints_committed(struct endpoints *e);

struct endpoint_add {
	const char *ns, *name;
	const char *interface;		/* "": by its alias */
	const struct weir_addr *addr;
	unsigned int naddr;
	const __u8 *mac;		/* NULL: found */
	unsigned int wait_ms;		/* for the pod's manifest */
};
/* 0: 'done' will be called, with 0 or -errno and why; or -errno and why at once. */
typedef void (*endpoint_done_fn)(void *ctx, int err, const char *why, unsigned int number, unsigned int attach_us);
int endpoints_add(struct endpoints *e, const struct endpoint_add *add, endpoint_done_fn done, void *ctx,
		  struct complaint *why);
void endpoints_remove(struct endpoints *e, const char *ns, const char *name);

/* One endpoint as it is now; strings live until this module is told of a change. */
struct endpoint_info {
	unsigned int number, ifindex;
	const char *ns, *name, *interface, *why, *path_why;
	enum endpoint_state state;
	bool redirect;			/* both ways */
	const struct weir_addr *addr;
	unsigned int naddr;
};
typedef void (*endpoints_fn)(void *ctx, const struct endpoint_info *info);
void endpoints_each(const struct endpoints *e, endpoints_fn fn, void *ctx);
bool endpoints_find(const struct endpoints *e, const char *ns, const char *name, struct endpoint_info *out);

/* attach.h tells here. */
void endpoints_path(void *e, unsigned int ifindex, unsigned int flags, const char *why);

/* For the adopter: what DIR/endpoints says.  Returns 0 when 'number' is not there. */
bool endpoints_written(const struct endpoints *e, unsigned int number, const char **ns, const char **name);

/* A judge's pod needs an interface that no packet crosses: armed as if 'ifindex' were its own. */
int endpoints_pretend(struct endpoints *e, const char *ns, const char *name, unsigned int ifindex, const __u8 mac[6]);

struct endpoints_counts {
	unsigned int local, armed, waiting, refused;
};
void endpoints_count(const struct endpoints *e, struct endpoints_counts *out);

#endif
