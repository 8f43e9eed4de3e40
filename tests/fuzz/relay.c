// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib relay
/*
 * What a relay hears of strangers, by the first byte: a client's request and what nodes are asked in its place; an
 * agent's edges, whose sums never fall; a line of the roster; and any order of messages, marks and ends in the merge,
 * out of which comes what went in, once, each node's in its order.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/ask.h"
#include "relay/edges.h"
#include "relay/merge.h"
#include "relay/roster.h"
#include "weir/v1/agent.pb-c.h"

static void a_request(const char *path, const uint8_t *data, size_t size)
{
	struct flows_ask_node node = { .stream = "relay-1", .marks = true, .since = 5 };
	struct flows_ask a, again;
	struct complaint why = { 0 };
	uint8_t *bytes;
	size_t n;

	if (flows_ask_read(&a, path, data, size, &why))
		return;
	bytes = flows_ask_pack(&a, &node, &n);
	/* fields that nobody knows go on as they came, and may be such that a node refuses them */
	if (bytes && !flows_ask_read(&again, path, bytes, n, &why)) {
		if (again.number != a.number || again.first != a.first || again.follow != a.follow || again.ours != a.ours)
			abort();
		flows_ask_free(&again);
	}
	free(bytes);
	node.again = true;
	bytes = flows_ask_pack(&a, &node, &n);
	free(bytes);
	flows_ask_free(&a);
}

static uint64_t all(const struct edges *e)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < edges_end(e); i++)
		n += edges_at(e, i) ? edges_at(e, i)->sum[EDGE_OPENED] >> 16 : 0;
	return n;
}

/* Replies one behind the other, each with its length before it. */
static void edges_told(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a", "b", "" };
	uint64_t before = 0, now = 1;
	struct edges *e;

	if (edges_open(&e, 64))
		return;
	for (unsigned int i = 0; size > 2; i++) {
		size_t n = data[0] << 8 | data[1];
		Weir__V1__EdgesReply *reply;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		reply = unpack_message(&weir__v1__edges_reply__descriptor, data, n);
		data += n;
		size -= n;
		if (!reply) {
			edges_gone(e, names[i % 3], now);
			edges_expire(e, now += EDGES_IDLE_S * 2000000000ULL);
			continue;
		}
		edges_take(e, names[i % 3], reply, now);
		unpack_free(reply);
		if (all(e) + 64 < before && before < UINT64_MAX >> 20)
			abort();
		before = all(e);
	}
	edges_close(e);
}

#define NODES 5

struct state {
	struct merge_source *source[NODES];
	unsigned int in[NODES], out[NODES], id[NODES];
	struct merge_counts counts[NODES];
};

static void take(struct merge *m, struct state *s, const struct merge_now *now, unsigned int most)
{
	struct merge_item item;
	uint64_t wake;
	unsigned int *id;

	while (most-- && merge_next(m, now, &item, &wake) == MERGE_ITEM) {
		unsigned int n;

		if (!item.ctx)
			continue;
		id = item.ctx;
		memcpy(&n, item.data, sizeof(n));
		if (n != s->out[*id]++)
			abort();
	}
	while (merge_ask(m) || merge_resume(m))
		;
}

static void a_merge(const uint8_t *data, size_t size)
{
	struct merge_now now = { 1000000000000, 1000000000 };
	struct state s = { 0 };
	struct merge *m;

	if (!size-- || merge_new(&m, *data++ & 1 ? now.real : UINT64_MAX))
		return;
	for (unsigned int i = 0; i < NODES; i++) {
		s.id[i] = i;
		s.source[i] = merge_add(m, &(struct merge_node){ .from = i & 1 ? now.real : 0, .marks = i & 2,
					.shift = i == 4 ? -5000000000 : 0, .counts = &s.counts[i], .ctx = &s.id[i] });
	}
	for (; size >= 4; data += 4, size -= 4) {
		unsigned int i = data[0] >> 4;
		uint64_t time = now.real + (int64_t)(int8_t)data[1] * (1LL << (data[2] & 40));
		uint8_t bytes[300] = { 0 };

		now.mono += data[3] * 100000ULL;
		now.real += data[3] * 100000ULL;
		memcpy(bytes, &s.in[i % NODES], sizeof(s.in[0]));
		if (i >= NODES)
			take(m, &s, &now, data[2]);
		else if (!s.source[i])
			merge_flag(m, time, 3, &now);
		else if ((data[0] & 15) < 10)
			merge_push(m, s.source[i], &(struct merge_message){ .time = data[2] & 1 ? time : 0, .data = bytes,
				   .size = 4 + data[2] }, &now), s.in[i]++;
		else if ((data[0] & 15) < 14)
			merge_mark(m, s.source[i], time, &now);
		else
			merge_end(m, s.source[i]), s.source[i] = NULL;
	}
	for (unsigned int i = 0; i < NODES; i++)
		if (s.source[i])
			merge_end(m, s.source[i]);
	take(m, &s, &now, UINT32_MAX);
	for (unsigned int i = 0; i < NODES; i++)
		if (s.in[i] != s.out[i])
			abort();
	if (merge_bytes(m))
		abort();
	merge_free(m);
}

static void a_line(const uint8_t *data, size_t size)
{
	struct roster_line line;
	struct complaint why = { 0 };
	char *text = strndup((const char *)data, size);

	if (text && !roster_read(text, &line, &why) && !line.server[0])
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 5) {
	case 0: a_merge(data + 1, size - 1); break;
	case 1: a_request("/observer.Observer/GetFlows", data + 1, size - 1); break;
	case 2: a_request("/observer.Observer/GetAgentEvents", data + 1, size - 1); break;
	case 3: edges_told(data + 1, size - 1); break;
	case 4: a_line(data + 1, size - 1); break;
	}
	return 0;
}
