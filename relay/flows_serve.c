// SPDX-License-Identifier: Apache-2.0
/* Streams of flows and events as gRPC's methods: a call each. */
#include <errno.h>

#include "relay/flows.h"

static void on_wake(void *ctx)
{
	if (*rpc_call_user(ctx))	/* else it is just being opened, and is asked behind that */
		rpc_call_wake(ctx);
}

static void open_stream(struct flows *f, const char *path, struct rpc_call *c, const uint8_t *data, size_t size)
{
	struct flows_want want = { .path = path, .data = data, .size = size, .who = rpc_call_peer(c)->address,
				   .wake = on_wake, .ctx = c };
	struct complaint why = { 0 };
	struct stream *s;
	int err = flows_open(&s, f, &want, &why);

	if (err)
		rpc_call_finish(c, err == -EINVAL ? RPC_INVALID_ARGUMENT : RPC_RESOURCE_EXHAUSTED, "%s", why.text);
	else
		*rpc_call_user(c) = s;
}

static void put(void *to, const void *data, size_t size)
{
	rpc_out_copy(to, data, size);
}

static enum rpc_next next_flow(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct stream *s = *rpc_call_user(c);
	enum rpc_next next;
	enum rpc_code code;
	const char *text;

	if (!s)
		return RPC_DONE;
	if (rpc_call_stopping(c)) {
		rpc_call_finish(c, RPC_UNAVAILABLE, "the relay is shutting down");
		return RPC_DONE;
	}
	next = flows_next(s, put, out);
	if (next == RPC_DONE && (code = flows_end(s, &text)))
		rpc_call_finish(c, code, "%s", text);
	return next;
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct stream *s = *rpc_call_user(c);

	if (!s)
		return;
	*rpc_call_user(c) = NULL;
	flows_close(s);
}

static void on_flows(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	open_stream(ctx, FLOWS_GET, c, data, size);
}

static void on_agent_events(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	open_stream(ctx, FLOWS_AGENT_EVENTS, c, data, size);
}

static void on_debug_events(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	open_stream(ctx, FLOWS_DEBUG_EVENTS, c, data, size);
}

const struct rpc_method flows_methods[FLOWS_METHODS] = {
	{ .path = FLOWS_GET, .request = on_flows, .next = next_flow, .closed = on_closed },
	{ .path = FLOWS_AGENT_EVENTS, .request = on_agent_events, .next = next_flow, .closed = on_closed },
	{ .path = FLOWS_DEBUG_EVENTS, .request = on_debug_events, .next = next_flow, .closed = on_closed },
};
