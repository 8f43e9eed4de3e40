// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/health.h"
#include "lib/wire/unpack.h"
#include "proto/grpc/health/v1/health.pb-c.h"

typedef Grpc__Health__V1__HealthCheckRequest request_msg;
typedef Grpc__Health__V1__HealthCheckResponse response_msg;
#define STATE(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct watcher {
	struct watcher *prev, *next;
	struct rpc_call *call;
	bool known;
	int told;		/* the state last sent; -1: none yet */
};

struct rpc_health {
	struct rpc_loop *loop;
	const char *names[RPC_HEALTH_NAMES];
	unsigned int n_names;
	atomic_bool serving;
	struct rpc_bell bell;
	struct watcher *watchers;
};

static bool known(const struct rpc_health *h, const char *name)
{
	for (unsigned int i = 0; i < h->n_names; i++)
		if (!strcmp(h->names[i], name))
			return true;
	return false;
}

static int state_now(const struct rpc_health *h)
{
	return atomic_load(&h->serving) ? STATE(SERVING) : STATE(NOT_SERVING);
}

static request_msg *unpacked(struct rpc_call *c, const uint8_t *data, size_t size)
{
	request_msg *ask = unpack_message(&grpc__health__v1__health_check_request__descriptor, data, size);

	if (!ask)
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "this is no HealthCheckRequest");
	return ask;
}

static void on_check(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	response_msg answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	struct rpc_health *h = ctx;
	request_msg *ask = unpacked(c, data, size);
	char shown[64];

	if (!ask)
		return;
	answer.status = state_now(h);
	if (known(h, ask->service))
		rpc_call_answer_message(c, &answer.base);
	else
		rpc_call_finish(c, RPC_NOT_FOUND, "there is no service '%s'",
				complaint_show(ask->service, shown, sizeof(shown)));
	unpack_free(ask);
}

static void on_watch(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct rpc_health *h = ctx;
	request_msg *ask = unpacked(c, data, size);
	struct watcher *w = ask ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "there is no memory for another watcher");
		unpack_free(ask);
		return;
	}
	w->call = c;
	w->known = known(h, ask->service);
	w->told = -1;
	w->next = h->watchers;
	if (w->next)
		w->next->prev = w;
	h->watchers = w;
	*rpc_call_user(c) = w;
	unpack_free(ask);
}

static enum rpc_next next_state(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	response_msg answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	struct watcher *w = *rpc_call_user(c);
	int state;

	if (!w)
		return RPC_IDLE;
	if (rpc_call_stopping(c)) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
		return RPC_IDLE;
	}
	state = w->known ? state_now(ctx) : STATE(SERVICE_UNKNOWN);
	if (w->told == state)
		return RPC_IDLE;
	answer.status = w->told = state;
	rpc_out_message(out, &answer.base);
	return RPC_MESSAGE;
}

static void watch_gone(struct rpc_call *c, bool gone, void *ctx)
{
	struct watcher *w = *rpc_call_user(c);
	struct rpc_health *h = ctx;

	if (!w)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		h->watchers = w->next;
	if (w->next)
		w->next->prev = w->prev;
	free(w);
}

static const struct rpc_method methods[] = {
	{ .path = "/grpc.health.v1.Health/Check", .request = on_check },
	{ .path = "/grpc.health.v1.Health/Watch", .request = on_watch, .next = next_state, .closed = watch_gone },
};

static void tell_watchers(void *health)
{
	struct rpc_health *h = health;

	for (struct watcher *w = h->watchers, *next; w; w = next) {
		next = w->next;
		rpc_call_wake(w->call);
	}
}

int rpc_health_new(struct rpc_health **out, struct rpc_server *s)
{
	struct rpc_health *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->loop = rpc_server_loop(s);
	h->bell = (struct rpc_bell){ .fn = tell_watchers, .ctx = h };
	rpc_health_name(h, "");
	err = rpc_server_add(s, methods, sizeof(methods) / sizeof(*methods), h);
	if (err) {
		free(h);
		return err;
	}
	*out = h;
	return 0;
}

void rpc_health_free(struct rpc_health *h)
{
	if (!h)
		return;
	rpc_bell_forget(h->loop, &h->bell);
	free(h);
}

int rpc_health_name(struct rpc_health *h, const char *service)
{
	if (h->n_names == RPC_HEALTH_NAMES)
		return -ENOSPC;
	h->names[h->n_names++] = service;
	return 0;
}

void rpc_health_set(struct rpc_health *h, bool serving)
{
	if (atomic_exchange(&h->serving, serving) != serving)
		rpc_bell_ring(h->loop, &h->bell);
}
