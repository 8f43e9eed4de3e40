// SPDX-License-Identifier: Apache-2.0
/* One unary call to the relay's own gRPC, and its answer as JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/json.h"
#include "lib/wire/unpack.h"
#include "relay/page_inside.h"
#include "relay/peers.h"

#define DEADLINE_MS 8000

struct page_call {
	struct page_call *next;		/* gRPC's thread */
	struct page_answer answer;
	const struct page_unary *how;
	struct rpc_ask *ask;
	uint8_t *request;
	size_t size;
	bool told;			/* a message came */
};

static void on_done(void *ctx)
{
	struct page_call *c = ctx;

	page_answer_send(&c->answer);
	free(c->request);
	free(c);
}

/* Back to the main thread; while the relay ends nobody is there to take it. */
static void finish(struct page_call *c)
{
	struct page *p = c->answer.page;

	for (struct page_call **at = &p->call; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	if (loop_post(p->relay->loop, on_done, c)) {
		free(c->answer.body);
		free(c->request);
		free(c);
	}
}

void page_whole(struct page *p, struct json_out *j)
{
	struct peers_counts c;
	uint64_t lost = 0;

	peers_count(p->relay->peers, &c);
	for (const struct peer *one = peers_first(p->relay->peers); one; one = one->next)
		lost += one->lost;
	json_object(j, "complete");
	json_uint(j, "nodes", c.peers);
	json_uint(j, "answering", c.state[PEER_CONNECTED]);
	json_uint(j, "lost", lost);
	json_end(j);
}

static void write_down(struct page_call *c, const ProtobufCMessage *m, const char *error)
{
	FILE *to = open_memstream(&c->answer.body, &c->answer.size);
	struct json_out j;

	if (!to)
		return;
	json_begin(&j, to, false);
	json_object(&j, NULL);
	if (error)
		json_text(&j, "error", error);
	else
		wire_json(&j, c->how->key, m);
	page_whole(c->answer.page, &j);
	json_end(&j);
	json_done(&j);
	fclose(to);
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct page_call *c = ctx;
	ProtobufCMessage *m = protobuf_c_message_unpack(c->how->answer, NULL, size, data);

	c->told = m;
	if (m)
		write_down(c, m, NULL);
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
	return true;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct page_call *c = ctx;

	c->ask = NULL;
	if (!c->told) {
		c->answer.status = end->code == RPC_INVALID_ARGUMENT ? 400 : end->code == RPC_NOT_FOUND ? 404 : 502;
		write_down(c, NULL, *end->text ? end->text : "no answer");
	}
	finish(c);
}

static void begin(void *ctx)
{
	struct page_call *c = ctx;
	struct page *p = c->answer.page;
	struct rpc_ask_options o = { .path = c->how->path, .data = c->request, .size = c->size, .deadline_ms = DEADLINE_MS,
				     .message = on_message, .ended = on_end, .ctx = c };

	c->next = p->call;
	p->call = c;
	if (p->stopped || rpc_ask(&c->ask, p->self, &o)) {
		c->answer.status = 503;
		write_down(c, NULL, "the relay is ending");
		finish(c);
	}
}

void page_unary(struct page *p, struct http_ask *ask, const struct page_unary *how, const ProtobufCMessage *request)
{
	struct page_call *c = calloc(1, sizeof(*c));

	if (!c || p->asking >= PAGE_ASKING) {
		free(c);
		page_refuse(ask, 503, "%u answers are under way already: ask again in a moment", p->asking);
		return;
	}
	c->how = how;
	c->size = protobuf_c_message_get_packed_size(request);
	c->request = malloc(c->size + 1);
	if (c->request)
		protobuf_c_message_pack(request, c->request);
	page_later(&c->answer, p, ask);
	if (!c->request || rpc_post(p->relay->rpc, begin, c)) {
		page_answer_send(&c->answer);
		free(c->request);
		free(c);
	}
}

void page_unary_stop(struct page *p)
{
	struct page_call *next;

	for (struct page_call *c = p->call; c; c = next) {
		next = c->next;
		if (c->ask)
			rpc_ask_cancel(c->ask);
	}
}
