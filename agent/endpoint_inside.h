/* SPDX-License-Identifier: Apache-2.0 */
/* What endpoints.c (pods, numbers, arming) and interfaces.c (who owns which interface) share. */
#ifndef WEIR_AGENT_ENDPOINT_INSIDE_H
#define WEIR_AGENT_ENDPOINT_INSIDE_H

#include "agent/book.h"
#include "agent/endpoints.h"

#define ENDPOINT_BUCKETS 4096

/* Somebody who made an interface and waits for it to be armed. */
struct endpoint_wait {
	struct endpoint_wait *next;
	struct endpoint *ep;
	struct loop_timer timer;
	endpoint_done_fn done;
	void *ctx;
};

struct endpoint {
	struct endpoint *next;		/* of its bucket */
	struct endpoints *of;
	struct endpoint_wait *waiting;
	bool pod;			/* its manifest is known, it lives here, and has addresses of its own */
	bool dirty;			/* it changed since the last commit */
	bool handed;			/* the interface was handed over, or adopted: no other way of finding it counts */
	bool attached, attaching, armed, pretended;
	bool stack;			/* asked for by annotation */
	bool amiss;			/* the interface asked for by annotation is the node's own */
	uint16_t at_name;		/* where in 'who' the name begins */
	unsigned int number, ifindex, via;
	unsigned int mapped;		/* the number under which the programs know the interface; 0: none */
	unsigned int before;		/* the interface an earlier agent had armed for it */
	unsigned int path;		/* redirect flags that the interface may have */
	unsigned int quota, attach_us, naddr;
	int attach_err;
	__u8 mac[6], gateway[6];
	char ifname[16], wanted[16], path_why[160];
	struct weir_addr *addr;
	char who[];			/* ns, zero, name */
};

#define ENDPOINT_NS(ep) ((ep)->who)
#define ENDPOINT_NAME(ep) ((ep)->who + (ep)->at_name)

struct endpoints {
	struct endpoints_with with;
	struct book *book;
	struct links *links;
	struct endpoint *bucket[ENDPOINT_BUCKETS];
	struct loop_timer look, retry;
	unsigned int looked;		/* times in vain: we look less and less often */
	bool adopted;			/* what an earlier agent left has been sorted out */
};

struct endpoint *endpoint_find(const struct endpoints *e, const char *ns, const char *name);
struct endpoint *endpoint_make(struct endpoints *e, const char *ns, const char *name);
void endpoint_release(struct endpoints *e, struct endpoint *ep);
void endpoint_sync(struct endpoints *e, struct endpoint *ep);
unsigned int endpoint_flags(const struct endpoint *ep);
enum endpoint_state endpoint_state(const struct endpoint *ep);
const char *endpoint_why(const struct endpoint *ep);

/* interfaces.c */
void endpoints_look(struct endpoints *e, unsigned int ms);	/* for interfaces of pods that have none, after 'ms' */
void endpoint_lose(struct endpoints *e, struct endpoint *ep);	/* the interface is its no more, or is no more */
void endpoint_answer(struct endpoints *e, struct endpoint *ep);	/* who waits for it */

#endif
