// SPDX-License-Identifier: Apache-2.0
/*
 * Agents that only pretend: as many as wanted in one process, each a server of its own on a unix socket, with flows
 * that are a function of time, so that whoever reads knows what should come.
 *
 *	fake_agent --at DIR/agent [--agents 50] [--rate 100] [--past 1000] [--bell 25] [--edges 100] [--foreign]
 *	           [--from 0] [--offset 0] [--workloads 3000 --edges 20000]
 *
 * Agent I listens on DIR/agent.I.sock and is called "node-I".  Its flow number N has the time 'begin' + N / rate, and
 * says its number as its source port and destination port; 'past' flows lie before now.  Like the real one it looks
 * at its kernel every 'bell' ms, keeps the last 65,536 flows, says what a reader missed, and answers marks.  With
 * --workloads the edges are those of a large cluster (tests/relay/fake_edges.h), so many over all agents.
 * "ready" is printed when all listen.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/opt.h"
#include "lib/rpc/loop.h"
#include "lib/rpc/server.h"
#include "lib/rpc/unix.h"
#include "lib/wire/encode.h"
#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/when.h"
#include "tests/relay/fake_edges.h"
#include "weir/v1/agent.pb-c.h"

#define HISTORY 65536
#define OPTIONS "type.googleapis.com/weir.v1.FlowsOptions"

static struct {
	const char *at;
	unsigned int agents, rate, past, bell, edges, offset, from, workloads;
	bool foreign;
} want = { .agents = 3, .rate = 100, .past = 1000, .bell = 25, .edges = 100 };

static const struct opt options[] = {
	OPT_TEXT(0, "at", &want.at, "PATH", "sockets are PATH.0.sock and on"),
	OPT_UINT(0, "agents", &want.agents, "N", "how many"),
	OPT_UINT(0, "rate", &want.rate, "N", "flows a second of each"),
	OPT_UINT(0, "past", &want.past, "N", "flows that each has seen before"),
	OPT_UINT(0, "bell", &want.bell, "MS", "how often it looks"),
	OPT_UINT(0, "edges", &want.edges, "N", "edges of each"),
	OPT_UINT(0, "workloads", &want.workloads, "N", "of a large cluster; its edges are all agents' together"),
	OPT_UINT(0, "from", &want.from, "N", "the first one is called node-N"),
	OPT_UINT(0, "offset", &want.offset, "MS", "agent 0's clock is so far ahead"),
	OPT_FLAG(0, "foreign", &want.foreign, "no weir.v1.Agent"),
	OPT_END
};

struct agent {
	unsigned int number;
	char name[32];
	int64_t offset;			/* of its clock, nanoseconds */
	uint64_t begin;			/* its clock: time of flow 0 */
	struct rpc_server *server;
	struct stream *streams;
	struct rpc_timer bell;
	struct fake_edges cluster;
	uint64_t looked;		/* its clock: all of before has been seen */
};
struct stream {
	struct stream *next;
	struct agent *agent;
	struct rpc_call *call;
	uint64_t at, end, missed;	/* flow numbers; end: UINT64_MAX when it follows */
	char name[80];
	bool marks;
	uint64_t mark;			/* its clock; 0: none is due */
};

static struct rpc_loop *loop;
static struct flow_end ends[2];
static uint8_t end_wire[2][1024];

static uint64_t its_now(const struct agent *a)
{
	return when_real() + (uint64_t)a->offset;
}

static uint64_t time_of(const struct agent *a, uint64_t n)
{
	return a->begin + n * 1000000000ULL / want.rate;
}

/* How many flows are before that time. */
static uint64_t flows_before(const struct agent *a, uint64_t time)
{
	return time < a->begin ? 0 : (uint64_t)((unsigned __int128)(time - a->begin) * want.rate / 1000000000ULL) + 1;
}

static void on_bell(void *ctx)
{
	struct agent *a = ctx;

	a->looked = its_now(a);
	for (struct stream *s = a->streams; s; s = s->next)
		rpc_call_wake(s->call);
	rpc_timer_set(loop, &a->bell, want.bell, on_bell, a);
}

/* --- Flows. --- */

static size_t make_flow(const struct agent *a, uint64_t n, uint8_t *buf, size_t size)
{
	static const char *const labels[] = { "kubernetes.io/os=linux" };
	struct flow f = { .time = time_of(a, n), .record = n, .proto = 6, .sport = n & 0xffff, .dport = n >> 16 & 0xffff,
			  .kind = FLOW_OPENED, .verdict = FLOW_FORWARDED, .direction = FLOW_INGRESS, .reply = FLOW_REPLY_NO,
			  .event = FLOW_EVENT_POLICY, .reason = "allowed", .node = a->name, .node_label = labels,
			  .node_labels = 1, .source = &ends[0], .destination = &ends[1], .source_service = "",
			  .source_service_ns = "", .destination_service = "cart", .destination_service_ns = "shop",
			  .interface = "veth0", .nearest = "", .tcp_flags = 2 };
	struct flow_author none = { .policy = "", .ns = "", .kind = "", .tier = "", .rule_name = "", .text = "" };

	f.egress = f.would_egress = f.would_ingress = f.ingress = none;
	f.ingress.policy = "cart";
	f.ingress.ns = "shop";
	f.ingress.kind = "NetworkPolicy";
	f.ingress.tier = "networkpolicy";
	f.ingress.rule = 1;
	f.ingress.text = "from pods of 'front' to TCP 8080";
	memcpy(&f.src, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
	memcpy(&f.dst, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2", 16);
	snprintf(f.uuid, sizeof(f.uuid), "%s-%llu", a->name, (unsigned long long)n);
	return wire_flow_response(&f, NULL, buf, size);
}

static enum rpc_next send_tail(struct rpc_out *out, const uint8_t *buf, size_t room, size_t size)
{
	rpc_out_copy(out, buf + room - size, size);
	return RPC_MESSAGE;
}

static enum rpc_next next_flow(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	static uint8_t buf[WIRE_RESPONSE_MAX];
	struct stream *s = *rpc_call_user(c);
	struct agent *a = ctx;
	uint64_t seen = s ? flows_before(a, a->looked) : 0;

	if (!s || rpc_call_stopping(c))
		return RPC_DONE;
	if (seen > s->end)
		seen = s->end;
	if (seen > HISTORY && s->at < seen - HISTORY) {
		struct wire_loss loss = { .where = WIRE_LOSS_HISTORY, .cpu = -1, .count = seen - HISTORY - s->at };

		s->at = seen - HISTORY;
		return send_tail(out, buf, sizeof(buf), wire_lost_response(&loss, a->name, time_of(a, s->at), buf, sizeof(buf)));
	}
	if (s->at < seen)
		return send_tail(out, buf, sizeof(buf), make_flow(a, s->at++, buf, sizeof(buf)));
	if (s->at >= s->end)
		return RPC_DONE;
	if (!s->mark)
		return RPC_IDLE;
	seen = s->mark;
	s->mark = 0;
	return send_tail(out, buf, sizeof(buf), wire_mark_response(a->name, seen, buf, sizeof(buf)));
}

static void read_options(struct stream *s, const Observer__GetFlowsRequest *ask)
{
	const Google__Protobuf__Any *any = ask->extensions;
	Weir__V1__FlowsOptions *o = any && !strcmp(any->type_url, OPTIONS) ?
		unpack_message(&weir__v1__flows_options__descriptor, any->value.data, any->value.len) : NULL;

	if (!o || want.foreign)
		return;
	s->marks = o->marks;
	snprintf(s->name, sizeof(s->name), "%s", o->stream);
	unpack_free(o);
}

static void on_flows(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__GetFlowsRequest *ask = unpack_message(&observer__get_flows_request__descriptor, data, size);
	struct stream *s = calloc(1, sizeof(*s));
	struct agent *a = ctx;
	uint64_t seen;

	if (!ask || !s) {
		free(s);
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "no request");
		return;
	}
	a->looked = its_now(a);
	seen = flows_before(a, a->looked);
	s->agent = a;
	s->call = c;
	s->end = ask->follow ? UINT64_MAX : seen;
	s->at = seen;
	if (ask->since)
		s->at = flows_before(a, (uint64_t)ask->since->seconds * 1000000000 + ask->since->nanos - 1);
	else if (ask->first || ask->number)
		s->at = ask->first || ask->number > seen ? 0 : seen - ask->number;
	if (ask->number && !ask->follow && s->end > s->at + ask->number)
		s->end = s->at + ask->number;
	if (seen > HISTORY && s->at < seen - HISTORY)
		s->at = seen - HISTORY;
	read_options(s, ask);
	unpack_free(ask);
	s->next = a->streams;
	a->streams = s;
	*rpc_call_user(c) = s;
}

static void on_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct stream *s = *rpc_call_user(c), **at;
	struct agent *a = ctx;

	for (at = &a->streams; s && *at; at = &(*at)->next) {
		if (*at != s)
			continue;
		*at = s->next;
		break;
	}
	free(s);
}

/* --- What else is asked. --- */

static void on_mark(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__MarkRequest *ask = unpack_message(&weir__v1__mark_request__descriptor, data, size);
	Google__Protobuf__Timestamp now = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Weir__V1__MarkReply reply = WEIR__V1__MARK_REPLY__INIT;
	struct agent *a = ctx;

	a->looked = its_now(a);
	for (struct stream *s = a->streams; ask && s; s = s->next) {
		if (!s->marks || strcmp(s->name, ask->stream))
			continue;
		reply.known = true;
		s->mark = a->looked;
		rpc_call_wake(s->call);
	}
	now.seconds = a->looked / 1000000000;
	now.nanos = a->looked % 1000000000;
	reply.now = &now;
	rpc_call_answer_message(c, &reply.base);
	unpack_free(ask);
}

static void on_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__ServerStatusResponse status = OBSERVER__SERVER_STATUS_RESPONSE__INIT;
	struct agent *a = ctx;

	status.seen_flows = flows_before(a, its_now(a));
	status.num_flows = status.seen_flows > HISTORY ? HISTORY : status.seen_flows;
	status.max_flows = HISTORY;
	status.flows_rate = want.rate;
	status.uptime_ns = 1000000000;
	status.version = (char *)"fake";
	rpc_call_answer_message(c, &status.base);
}

static void on_namespaces(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Observer__GetNamespacesResponse all = OBSERVER__GET_NAMESPACES_RESPONSE__INIT;
	Observer__Namespace one = OBSERVER__NAMESPACE__INIT, two = OBSERVER__NAMESPACE__INIT, *list[] = { &one, &two };
	struct agent *a = ctx;

	one.namespace_ = (char *)"shop";
	two.namespace_ = a->name;
	all.namespaces = list;
	all.n_namespaces = 2;
	rpc_call_answer_message(c, &all.base);
}

static void on_agent_status(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	Weir__V1__Status status = WEIR__V1__STATUS__INIT;
	struct agent *a = ctx;

	status.node = a->name;
	status.version = (char *)"fake";
	rpc_call_answer_message(c, &status.base);
}

/* Of a large cluster: its share, some hundred a message, every five seconds. */
static enum rpc_next next_of_cluster(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct rpc_timer *timer = *rpc_call_user(c);
	struct agent *a = ctx;
	Weir__V1__EdgesReply reply;

	if (!timer || timer->when || rpc_call_stopping(c))
		return timer && !rpc_call_stopping(c) ? RPC_IDLE : RPC_DONE;
	if (!fake_edges_next(&a->cluster, its_now(a) / 1000000000, &reply)) {
		rpc_timer_set(loop, timer, 5000, (rpc_fn)rpc_call_wake, c);
		return RPC_IDLE;
	}
	reply.node = a->name;
	rpc_out_message(out, &reply.base);
	return RPC_MESSAGE;
}

/* Edges: all of them anew each time, rising by one flow a second. */
static enum rpc_next next_edges(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct rpc_timer *timer = *rpc_call_user(c);
	struct agent *a = ctx;
	Weir__V1__EdgesReply reply = WEIR__V1__EDGES_REPLY__INIT;
	Weir__V1__EdgeEnd source = WEIR__V1__EDGE_END__INIT, destination = source;
	Weir__V1__Edge edge = WEIR__V1__EDGE__INIT, *list[] = { &edge };
	char workload[64];

	if (want.workloads)
		return next_of_cluster(c, out, ctx);
	if (!timer || timer->when || rpc_call_stopping(c))
		return timer && !rpc_call_stopping(c) ? RPC_IDLE : RPC_DONE;
	reply.node = a->name;
	reply.instance = a->number + 1;
	reply.whole = true;
	reply.edge = list;
	reply.n_edge = want.edges ? 1 : 0;
	edge.source = &source;
	edge.destination = &destination;
	edge.protocol = 6;
	edge.port = 8080;
	edge.opened = its_now(a) / 1000000000;
	edge.bytes = edge.opened * 1000;
	source.namespace_ = destination.namespace_ = (char *)"shop";
	source.workload = workload;
	destination.workload = (char *)"cart";
	source.kind = destination.kind = (char *)"Deployment";
	/* one reply per edge would be dear: the timer counts them in its 'ctx' */
	snprintf(workload, sizeof(workload), "w-%s-%zu", a->name, (size_t)((uintptr_t)timer[1].ctx));
	timer[1].ctx = (void *)((uintptr_t)timer[1].ctx + 1);
	reply.last = (uintptr_t)timer[1].ctx >= want.edges;
	if (reply.last) {
		timer[1].ctx = NULL;
		rpc_timer_set(loop, timer, 5000, (rpc_fn)rpc_call_wake, c);
	}
	rpc_out_message(out, &reply.base);
	return RPC_MESSAGE;
}

static void on_edges(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	((struct agent *)ctx)->cluster.at = 0;
	*rpc_call_user(c) = calloc(2, sizeof(struct rpc_timer));
}

static void edges_closed(struct rpc_call *c, bool gone, void *ctx)
{
	struct rpc_timer *timer = *rpc_call_user(c);

	if (timer)
		rpc_timer_stop(loop, timer);
	free(timer);
}

static const struct rpc_method methods[] = {
	{ .path = "/observer.Observer/GetFlows", .request = on_flows, .next = next_flow, .closed = on_closed },
	{ .path = "/observer.Observer/ServerStatus", .request = on_status },
	{ .path = "/observer.Observer/GetNamespaces", .request = on_namespaces },
	{ .path = "/weir.v1.Agent/Mark", .request = on_mark },
	{ .path = "/weir.v1.Agent/Status", .request = on_agent_status },
	{ .path = "/weir.v1.Agent/Edges", .request = on_edges, .next = next_edges, .closed = edges_closed },
};

/* --- All of them. --- */

static void make_ends(void)
{
	static const char *const labels[2][4] = {
		{ "k8s:app=front", "k8s:io.kubernetes.pod.namespace=shop", "k8s:pod-template-hash=5d4f8c7b9", "k8s:tier=web" },
		{ "k8s:app=cart", "k8s:io.kubernetes.pod.namespace=shop", "k8s:pod-template-hash=7c9d5f6b8", "k8s:tier=back" },
	};
	static const char *const pods[] = { "front-5d4f8c7b9-x2x4z", "cart-7c9d5f6b8-q8q9w" }, *const loads[] = { "front", "cart" };

	for (int i = 0; i < 2; i++) {
		ends[i] = (struct flow_end){ .identity = 70000 + i, .ns = "shop", .pod = pods[i], .workload = loads[i],
					     .workload_kind = "Deployment", .node = "node", .cluster = "",
					     .label = labels[i], .labels = 4 };
		ends[i].wire_size = wire_end(&ends[i], end_wire[i], sizeof(end_wire[i]));
		ends[i].wire = end_wire[i] + sizeof(end_wire[i]) - ends[i].wire_size;
	}
}

static int start_agent(struct agent *a, unsigned int number)
{
	struct complaint why = { 0 };
	char path[256];
	int err;

	a->number = number;
	a->offset = number ? 0 : (int64_t)want.offset * 1000000;
	a->looked = its_now(a);
	a->cluster = (struct fake_edges){ .workloads = want.workloads, .edges = want.edges, .agents = want.agents,
					  .agent = number, .began = a->looked / 1000000000 };
	/* no two have flows of one time */
	a->begin = a->looked - (uint64_t)want.past * 1000000000ULL / want.rate + (want.from + number) * 1000;
	snprintf(a->name, sizeof(a->name), "node-%u", want.from + number);
	snprintf(path, sizeof(path), "%s.%u.sock", want.at, number);
	err = rpc_server_new(&a->server, loop, NULL) ?:
	      rpc_server_add(a->server, methods, want.foreign ? 3 : sizeof(methods) / sizeof(*methods), a) ?:
	      rpc_unix_listen(a->server, &(struct rpc_unix){ .path = path }, &why);
	if (err) {
		fprintf(stderr, "%s: %s\n", path, why.text);
		return err;
	}
	rpc_server_start(a->server);
	on_bell(a);
	return 0;
}

static unsigned int left;

static void on_stopped(void *ctx)
{
	if (!--left)
		rpc_loop_stop(loop);
}

static void on_signal(int signal, void *ctx)
{
	struct agent *agents = ctx;

	for (unsigned int i = 0; i < want.agents; i++)
		rpc_server_stop(agents[i].server, 100, on_stopped, NULL);
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct rpc_signals *watch = NULL;
	struct complaint why = { 0 };
	struct agent *agents;
	int err;

	if (opt_parse(options, argc - 1, argv + 1, &why) < 0 || !want.at || !want.rate) {
		fprintf(stderr, "fake_agent: %s\n", why.text[0] ? why.text : "--at says where");
		return 2;
	}
	left = want.agents;
	agents = calloc(want.agents, sizeof(*agents));
	make_ends();
	err = !agents || rpc_signals_block(signals, 2) || rpc_loop_open(&loop) ||
	      rpc_signals_open(&watch, loop, on_signal, agents);
	for (unsigned int i = 0; !err && i < want.agents; i++)
		err = start_agent(&agents[i], i);
	if (err)
		return 1;
	puts("ready");
	fflush(stdout);
	rpc_loop_run(loop);
	for (unsigned int i = 0; i < want.agents; i++) {
		rpc_timer_stop(loop, &agents[i].bell);
		rpc_server_free(agents[i].server);
	}
	rpc_signals_close(watch);
	rpc_loop_close(loop);
	free(agents);
	return 0;
}
