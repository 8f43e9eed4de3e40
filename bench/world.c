// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "bench/world.h"

#define CLASS_SERVER	WEIR_CLASS_FIRST
#define CLASS_PEERS	(WEIR_CLASS_FIRST + 1)	/* the client is the one in the middle */

struct weir_addr world_address(unsigned int pod, bool six)
{
	struct weir_addr a = { .byte = { [10] = 0xff, 0xff, 10, 0, 0, pod + 1 } };

	return six ? (struct weir_addr){ .byte = { 0xfd, [15] = pod + 1 } } : a;
}

struct weir_addr world_peer(unsigned int i)
{
	return (struct weir_addr){ .byte = { [10] = 0xff, 0xff, 10, 64 + (i >> 16), i >> 8, i } };
}

static unsigned int client_class(const struct world *w) { return CLASS_PEERS + (w->classes - CLASS_PEERS) / 2; }

/* A table: TCP in 'n' ranges, port 99 denied unless all is, UDP and SCTP likewise, nothing without ports.  Its cell. */
static int table(struct world *w, unsigned int rule, unsigned int more, bool shut, __u32 *cell)
{
	__u8 yes = shut ? WEIR_DENY : WEIR_ALLOW;
	unsigned int n = 0, first = w->range;
	struct weir_range *r = calloc(more + 8, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
#define RANGE(p, from, to, says) \
	r[n++] = (struct weir_range){ .proto = p, .first = from, .last = to, .verdict = says, .audit = says, .rule = rule, .audit_rule = rule }
	RANGE(0, 0, 0xffff, WEIR_DENY);
	RANGE(IPPROTO_TCP, 0, WORLD_DENIED_PORT - 1, yes);
	RANGE(IPPROTO_TCP, WORLD_DENIED_PORT, WORLD_DENIED_PORT, WEIR_DENY);
	RANGE(IPPROTO_TCP, WORLD_DENIED_PORT + 1, more ? 39999 : 0xffff, yes);
	for (unsigned int i = 0; i < more; i++)
		RANGE(IPPROTO_TCP, 40000 + i, i + 1 == more ? 0xffff : 40000 + i, yes);
	RANGE(IPPROTO_UDP, 0, 0xffff, yes);
	RANGE(IPPROTO_SCTP, 0, 0xffff, yes);
#undef RANGE
	err = datapath_op(w->dp, &(struct op){ .kind = OP_RANGES, .first = first, .count = n, .range = r });
	free(r);
	*cell = WEIR_CELL(first, n);
	w->range += n;
	return err;
}

static int open_table(struct world *w, __u32 *cell)
{
	static const __u8 lane[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct weir_range r[4];

	for (int i = 0; i < 4; i++)
		r[i] = (struct weir_range){ .proto = lane[i], .last = 0xffff, .verdict = WEIR_ALLOW, .audit = WEIR_ALLOW,
					    .rule = WEIR_RULE_OPEN, .audit_rule = WEIR_RULE_OPEN };
	*cell = WEIR_CELL(w->range, 4);
	w->range += 4;
	return datapath_op(w->dp, &(struct op){ .kind = OP_RANGES, .first = w->range - 4, .count = 4, .range = r });
}

/* A set: a cell for each class. */
static int cells(struct world *w, const __u32 *cell, unsigned int *base)
{
	*base = w->cell;
	w->cell += w->classes;
	return datapath_op(w->dp, &(struct op){ .kind = OP_CELLS, .first = *base, .count = w->classes, .cell = cell });
}

static int open_set(struct world *w)
{
	__u32 *cell = calloc(w->classes, sizeof(*cell)), all;
	int err = cell ? open_table(w, &all) : -ENOMEM;

	for (unsigned int c = WEIR_CLASS_STRANGER; !err && c < w->classes; c++)
		cell[c] = all;
	err = err ?: cells(w, cell, &w->set[0]);
	free(cell);
	return err;
}

static int server_set(struct world *w, unsigned int more, bool shut)
{
	__u32 *cell = calloc(w->classes, sizeof(*cell));
	int err = cell ? 0 : -ENOMEM;

	for (unsigned int c = CLASS_PEERS; !err && c < w->classes; c++)
		err = table(w, WEIR_RULE_FIRST + c, c == client_class(w) ? more : 0, shut, &cell[c]);
	if (!err)
		cell[CLASS_SERVER] = cell[CLASS_PEERS];
	err = err ?: cells(w, cell, &w->set[1]);
	free(cell);
	return err;
}

static int take_set(struct world *w, unsigned int endpoint, enum weir_dir dir, unsigned int base)
{
	return datapath_op(w->dp, &(struct op){ .kind = OP_SET, .first = endpoint, .dir = dir,
						.set = { .base = base, .limit = w->classes } });
}

static int address(struct world *w, struct weir_addr a, unsigned int class, unsigned int endpoint)
{
	struct op word = { .kind = OP_WORD, .first = w->slot,
			   .word = WEIR_WORD(class, class, endpoint, WEIR_WORD_SET | WEIR_WORD_POD) };
	struct op entry = { .kind = OP_ADDRESS, .first = w->slot++, .prefix = { .length = 128, .addr = a } };

	return datapath_op(w->dp, &word) ?: datapath_op(w->dp, &entry);
}

static int addresses(struct world *w)
{
	int err = 0;

	for (int six = 0; six < 2 && !err; six++)
		err = address(w, world_address(0, six), client_class(w), WORLD_CLIENT) ?:
		      address(w, world_address(1, six), CLASS_SERVER, WORLD_SERVER);
	for (unsigned int c = CLASS_PEERS; c < w->classes && !err; c++)
		if (c != client_class(w))
			err = address(w, world_peer(c - CLASS_PEERS), c, WEIR_ENDPOINT_OUTSIDE);
	return err;
}

static int pods(struct world *w, const struct world_options *o)
{
	static const __u8 none[6];
	unsigned int flags = o->stack ? 0 : WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO;
	int err = 0;

	for (unsigned int i = 0; i < 2 && !err; i++) {
		struct weir_endpoint e = { .ifindex = o->ifindex[i], .flags = flags, .mac = { 2, 0, 0, 0, 0, i + 1 },
					   .gateway = { 2, 0, 0, 0, 0, 0xfe } };

		if (memcmp(o->mac[i], none, 6))
			memcpy(e.mac, o->mac[i], 6);
		if (memcmp(o->gateway[i], none, 6))
			memcpy(e.gateway, o->gateway[i], 6);
		err = datapath_interface_add(w->dp, o->ifindex[i], i + 1);
		if (!err)
			datapath_arm(w->dp, i + 1, &e);
	}
	return err;
}

static int policy(struct world *w, const struct world_options *o)
{
	unsigned int client = WORLD_CLIENT, server = WORLD_SERVER;

	w->classes = CLASS_PEERS + (o->peers ?: 1);
	w->slot = 1;
	w->range = 16;
	w->cell = 16;
	return open_set(w) ?: server_set(w, o->ranges, false) ?: addresses(w) ?:
	       take_set(w, client, WEIR_EGRESS, w->set[0]) ?: take_set(w, client, WEIR_INGRESS, w->set[0]) ?:
	       take_set(w, server, WEIR_EGRESS, w->set[0]) ?: take_set(w, server, WEIR_INGRESS, w->set[1]) ?:
	       datapath_op(w->dp, &(struct op){ .kind = OP_GENERATION }) ?: datapath_op(w->dp, &(struct op){ .kind = OP_GRACE }) ?:
	       datapath_flush(w->dp);
}

static void forget(void *ctx, const struct weir_record *r)
{
}

int world_open(struct world **out, const struct world_options *o, struct complaint *why)
{
	struct world *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = datapath_open(&w->dp, &(struct datapath_options){ .dir = "private", .buckets = o->buckets ?: WEIR_BUCKETS }, why);
	if (!err)
		err = flows_open(&w->flows, w->dp, forget, NULL);
	if (!err)
		err = policy(w, o) ?: pods(w, o);
	if (err) {
		world_close(w);
		return err;
	}
	*out = w;
	return 0;
}

void world_close(struct world *w)
{
	if (!w)
		return;
	flows_close(w->flows);
	datapath_close(w->dp);
	free(w);
}

void world_drain(struct world *w)
{
	while (flows_drain(w->flows, 65536))
		;
}

int world_shut(struct world *w, bool shut)
{
	return server_set(w, 0, shut) ?: take_set(w, WORLD_SERVER, WEIR_INGRESS, w->set[1]) ?:
	       datapath_op(w->dp, &(struct op){ .kind = OP_GENERATION });
}
