// SPDX-License-Identifier: Apache-2.0
/* GetAgentEvents, by the same rules of beginning and end as flows; and GetDebugEvents, of which there are none. */
#include <errno.h>
#include <stdlib.h>

#include "agent/serve_inside.h"
#include "lib/wire/unpack.h"
#include "proto/observer/observer.pb-c.h"

struct event_stream {
	struct events *events;		/* not ours */
	uint64_t at, end, left;		/* as in struct stream */
	uint64_t since, until;
};

static uint64_t ns_of(const Google__Protobuf__Timestamp *t, uint64_t none)
{
	return !t ? none : t->seconds < 0 ? 0 : t->seconds * 1000000000ULL + (uint32_t)t->nanos;
}

static void place(struct event_stream *e, const Observer__GetAgentEventsRequest *ask)
{
	uint64_t first = events_first(e->events), next = events_next(e->events);

	e->since = ns_of(ask->since, 0);
	e->until = ns_of(ask->until, UINT64_MAX);
	e->end = ask->follow ? UINT64_MAX : next;
	e->left = ask->follow ? 0 : ask->number;
	if (ask->since || ask->first)
		e->at = first;
	else if (ask->follow && !ask->number)
		e->at = next;
	else
		e->at = ask->number && next - first > ask->number ? next - ask->number : first;
}

static void on_request(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__GetAgentEventsRequest *ask = serve_unpack(c, &observer__get_agent_events_request__descriptor, data, size);
	struct serve *s = ctx;
	struct event_stream *e = ask ? calloc(1, sizeof(*e)) : NULL;

	if (!ask)
		return;
	if (!e) {
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory");
	} else if (ask->first && ask->follow) {
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "first: cannot be together with follow");
		free(e);
	} else {
		e->events = s->a->events;	/* not ours */
		place(e, ask);
		*rpc_call_user(c) = e;
	}
	unpack_free(ask);
}

static enum rpc_next next(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	static struct event event;
	struct event_stream *e = *rpc_call_user(c);
	int err;

	if (!e)
		return RPC_DONE;
	if (rpc_call_stopping(c)) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the agent is stopping");
		return RPC_DONE;
	}
	while (e->at < e->end) {
		err = events_copy(e->events, e->at, &event);
		if (err == -EAGAIN)
			return RPC_IDLE;
		if (err) {
			e->at = events_first(e->events);
			continue;
		}
		e->at++;
		if (event.time > e->until)
			return RPC_DONE;
		if (event.time < e->since)
			continue;
		if (e->left && !--e->left)
			e->end = e->at;
		return rpc_out_copy(out, event.data, event.size) ? RPC_DONE : RPC_MESSAGE;
	}
	return RPC_DONE;
}

static void closed(struct rpc_call *c, bool gone, void *ctx)
{
	free(*rpc_call_user(c));
}

static void on_debug(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	rpc_call_finish(c, RPC_UNIMPLEMENTED, "weir has no debug events: its programs talk by records and counters alone");
}

static enum rpc_next no_debug(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	return RPC_DONE;
}

int event_service_add(struct serve *s)
{
	static const struct rpc_method methods[] = {
		{ .path = "/observer.Observer/GetAgentEvents", .request = on_request, .next = next, .closed = closed,
		  .follows = true },
		{ .path = "/observer.Observer/GetDebugEvents", .request = on_debug, .next = no_debug },
	};

	return rpc_server_add(s->server, methods, sizeof(methods) / sizeof(*methods), s);
}
