// SPDX-License-Identifier: Apache-2.0
/* observer.Observer: flows, and what the agent says of itself to Hubble's tools. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/serve_inside.h"
#include "agent/stream_inside.h"
#include "lib/wire/unpack.h"

#define NAMESPACES_NS (3600 * NS_PER_S)		/* with traffic in the last hour */
#define NAMESPACES_MOST 4096

/* One GetFlows. */
struct flow_stream {
	struct flow_stream *next, **at;
	struct stream *stream;
	bool mark;			/* one is on its way */
	bool mark_again;		/* asked for since the rings were last emptied */
};

void *serve_unpack(struct rpc_call *c, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
	void *m = unpack_message(type, data, size);

	if (!m)
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "this is no %s, or a text in it is not UTF-8", type->name);
	return m;
}

/* --- GetFlows --- */

static void link_stream(struct serve *s, struct flow_stream *f)
{
	f->next = s->streams;
	f->at = &s->streams;
	if (f->next)
		f->next->at = &f->next;
	s->streams = f;
	__atomic_fetch_add(&s->n_streams, 1, __ATOMIC_RELAXED);
}

static void unlink_stream(struct serve *s, struct flow_stream *f)
{
	*f->at = f->next;
	if (f->next)
		f->next->at = f->at;
	__atomic_fetch_sub(&s->n_streams, 1, __ATOMIC_RELAXED);
}

static void on_flows(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__GetFlowsRequest *ask = serve_unpack(c, &observer__get_flows_request__descriptor, data, size);
	struct flow_stream *f = ask ? calloc(1, sizeof(*f)) : NULL;
	struct complaint why = { 0 };
	struct serve *s = ctx;
	int err;

	if (!ask)
		return;
	err = f ? stream_new(&f->stream, &s->source, c, ask, &why) : -ENOMEM;
	unpack_free(ask);
	if (err) {
		free(f);
		rpc_call_finish(c, err == -EINVAL ? RPC_INVALID_ARGUMENT : RPC_RESOURCE_EXHAUSTED, "%s",
				why.text[0] ? why.text : "no memory");
		return;
	}
	link_stream(s, f);
	*rpc_call_user(c) = f;
}

static enum rpc_next next_flow(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct flow_stream *f = *rpc_call_user(c);

	return f ? stream_next(f->stream, out) : RPC_DONE;
}

static void flows_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct flow_stream *f = *rpc_call_user(c);

	if (!f)
		return;
	unlink_stream(ctx, f);
	stream_free(f->stream);
	free(f);
}

void observer_hinted(struct serve *s)
{
	for (struct flow_stream *f = s->streams; f; f = f->next)
		stream_hinted(f->stream);
}

/* --- Marks --- */

static void on_drained(struct reader_drain *d, uint64_t next, uint64_t time);

static void drain(struct serve *s)
{
	for (struct flow_stream *f = s->streams; f; f = f->next) {
		f->mark |= f->mark_again;
		f->mark_again = false;
	}
	s->drain.fn = on_drained;
	s->draining = !reader_drain(s->a->reader, &s->drain);
}

/* On the reader's thread. */
static void on_drained(struct reader_drain *d, uint64_t next, uint64_t time)
{
	struct serve *s = (struct serve *)((char *)d - offsetof(struct serve, drain));

	s->drained_next = next;
	s->drained_time = time;
	rpc_bell_ring(s->loop, &s->drained);
}

static void on_drained_bell(void *ctx)
{
	struct serve *s = ctx;
	bool again = false;

	s->draining = false;
	for (struct flow_stream *f = s->streams; f; f = f->next) {
		if (f->mark)
			stream_mark(f->stream, s->drained_next, s->drained_time);
		f->mark = false;
		again |= f->mark_again;
	}
	if (again)
		drain(s);
}

bool observer_mark(struct serve *s, const char *stream)
{
	bool found = false;

	for (struct flow_stream *f = s->streams; f; f = f->next) {
		if (!stream_wants_marks(f->stream, stream))
			continue;
		f->mark_again = true;
		found = true;
	}
	if (found && !s->draining)
		drain(s);
	return found;
}

/* --- What the agent says of itself --- */

struct figures {
	uint64_t kept, most, seen, uptime_ns;
};

static struct figures figures(const struct serve *s)
{
	uint64_t first = records_first(s->a->records), next = records_next(s->a->records);

	return (struct figures){ next - first, records_capacity(s->a->records), next, agent_now() - s->a->started };
}

static void on_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__ServerStatusResponse status = OBSERVER__SERVER_STATUS_RESPONSE__INIT;
	const struct serve *s = ctx;
	struct figures f = figures(s);

	status.num_flows = f.kept;
	status.max_flows = f.most;
	status.seen_flows = f.seen;
	status.uptime_ns = f.uptime_ns;
	status.version = (char *)"weir v" WEIR_VERSION;
	status.flows_rate = records_rate(s->a->records);
	rpc_call_answer_message(c, &status.base);
}

/* Hubble's agents leave this to the relay; one node is what this one knows. */
static void on_nodes(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__GetNodesResponse nodes = OBSERVER__GET_NODES_RESPONSE__INIT;
	Observer__Node node = OBSERVER__NODE__INIT, *list = &node;
	Observer__TLS tls = OBSERVER__TLS__INIT;
	const struct serve *s = ctx;
	struct figures f = figures(s);
	struct peer_news self;

	peers_self(s->peers, &self);
	node.name = self.name;
	node.version = (char *)"weir v" WEIR_VERSION;
	node.address = self.address;
	node.state = RELAY__NODE_STATE__NODE_CONNECTED;
	tls.enabled = *self.server_name;
	tls.server_name = self.server_name;
	node.tls = &tls;
	node.uptime_ns = f.uptime_ns;
	node.num_flows = f.kept;
	node.max_flows = f.most;
	node.seen_flows = f.seen;
	nodes.nodes = &list;
	nodes.n_nodes = 1;
	rpc_call_answer_message(c, &nodes.base);
}

struct namespaces {
	const char *cluster;
	Observer__GetNamespacesResponse answer;
	Observer__Namespace *list[NAMESPACES_MOST], one[NAMESPACES_MOST];
	char name[NAMESPACES_MOST][64];
};

static void on_namespace(void *ctx, const char *ns, uint64_t last)
{
	struct namespaces *to = ctx;
	size_t n = to->answer.n_namespaces;

	if (n == NAMESPACES_MOST || !*ns)
		return;
	observer__namespace__init(&to->one[n]);
	snprintf(to->name[n], sizeof(to->name[n]), "%s", ns);
	to->one[n].cluster = (char *)to->cluster;
	to->one[n].namespace_ = to->name[n];
	to->list[to->answer.n_namespaces++] = &to->one[n];
}

static void on_namespaces(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	const struct serve *s = ctx;
	struct namespaces *to = malloc(sizeof(*to));

	if (!to) {
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "no memory");
		return;
	}
	to->cluster = s->a->settings.cluster ?: "";
	observer__get_namespaces_response__init(&to->answer);
	to->answer.namespaces = to->list;
	quiet_point(s->a->quiet, QUIET_RPC);
	ends_namespaces(s->a->ends, stream_clock(), NAMESPACES_NS, on_namespace, to);
	quiet_away(s->a->quiet, QUIET_RPC);
	rpc_call_answer_message(c, &to->answer.base);
	free(to);
}

int observer_add(struct serve *s)
{
	static const struct rpc_method methods[] = {
		{ .path = "/observer.Observer/GetFlows", .request = on_flows, .next = next_flow, .closed = flows_closed,
		  .follows = true },
		{ .path = "/observer.Observer/ServerStatus", .request = on_status },
		{ .path = "/observer.Observer/GetNodes", .request = on_nodes },
		{ .path = "/observer.Observer/GetNamespaces", .request = on_namespaces },
	};

	s->drained = (struct rpc_bell){ .fn = on_drained_bell, .ctx = s };
	return rpc_server_add(s->server, methods, sizeof(methods) / sizeof(*methods), s);
}
