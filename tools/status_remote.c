// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/wire/json.h"
#include "proto/grpc/health/v1/health.pb-c.h"
#include "proto/observer/observer.pb-c.h"
#include "proto/weir/v1/relay.pb-c.h"
#include "tools/connect.h"
#include "tools/status_remote.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/words.h"

#define HEALTH_NAME "hubble.server.Observer"	/* as every server of that API calls itself */

static bool is_connected(const Weir__V1__NodeStatus *n)
{
	return !strcmp(n->state, "connected");
}

static bool is_well(const Weir__V1__ClusterStatus *s)
{
	for (size_t i = 0; i < s->n_node; i++)
		if (!is_connected(s->node[i]) || (s->node[i]->status && s->node[i]->status->n_rejected))
			return false;
	return s->n_node;
}

static void print_head(const Weir__V1__ClusterStatus *s)
{
	unsigned long long kept = 0, room = 0, lost = 0;
	char up[24], rss[24];
	double rate = 0;

	for (size_t i = 0; i < s->n_node; i++) {
		kept += s->node[i]->num_flows;
		room += s->node[i]->max_flows;
		rate += s->node[i]->flows_rate;
	}
	for (size_t i = 0; i < s->n_lost; i++)
		lost += s->lost[i]->events;
	printf("nodes %u/%zu connected   flows/s %.1f   kept %llu of %llu   events lost %llu\n", s->connected, s->n_node, rate,
	       kept, room, lost);
	printf("%s   up %s   memory %s\n", s->version, text_age(s->uptime_ms, up, sizeof(up)),
	       text_bytes(s->rss_bytes, rss, sizeof(rss)));
}

/* The fullest thing that has a bound. */
static void add_fullest(struct table *t, const Weir__V1__Status *s)
{
	const Weir__V1__Gauge *most = NULL;

	for (size_t i = 0; s && i < s->n_gauges; i++) {
		const Weir__V1__Gauge *g = s->gauges[i];

		if (g->size && (!most || (double)g->used / g->size > (double)most->used / most->size))
			most = g;
	}
	if (most)
		table_cell(t, "%.0f %% %s", 100.0 * most->used / most->size, most->name);
	else
		table_cell(t, "-");
}

static void add_node(struct table *t, const Weir__V1__NodeStatus *n)
{
	const Weir__V1__Status *s = n->status;
	char up[24];

	table_cell(t, "%s", n->name);
	table_cell(t, "%s", n->state);
	table_cell(t, "%s", *n->version ? n->version : "-");
	table_cell(t, "%s", n->uptime_ns ? text_age(n->uptime_ns / 1000000, up, sizeof(up)) : "-");
	table_cell(t, "%.1f", n->flows_rate);
	table_cell(t, "%llu", (unsigned long long)n->lost);
	table_cell(t, s ? "%u" : "-", s ? s->local_pods : 0);
	table_cell(t, s ? "%u" : "-", s ? s->policies : 0);
	table_cell(t, s ? "%zu" : "-", s ? s->n_rejected : (size_t)0);
	add_fullest(t, s);
	if (n->clock_known)
		table_cell(t, "%+.1f ms", n->clock_offset_us / 1000.0);
	else
		table_cell(t, "-");
	table_cell(t, "%s", n->why);
}

void status_rejected(const char *before, const char *node, const Weir__V1__Rejected *r)
{
	struct text t = { 0 };

	text_put(&t, before);
	if (node) {
		text_clean(&t, node);
		text_put(&t, ": ");
	}
	text_clean(&t, r->object);
	text_put(&t, ": ");
	text_clean(&t, r->why);
	printf("%.*s%s\n", (int)t.n, t.data, r->last_good ? " (the last good version stays in force)" : "");
	text_free(&t);
}

static void print_troubles(const Weir__V1__ClusterStatus *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_node; i++) {
		const Weir__V1__Status *one = s->node[i]->status;

		for (size_t r = 0; one && r < one->n_rejected; r++, any = true) {
			if (!any)
				putchar('\n');
			status_rejected("rejected by ", s->node[i]->name, one->rejected[r]);
		}
	}
	if (!s->n_node)
		printf("\nthe relay knows no nodes (its --peers say where agents are)\n");
}

static void print_json(const ProtobufCMessage *m)
{
	struct json_out j;

	json_begin(&j, stdout, true);
	wire_json(&j, NULL, m);
	json_done(&j);
}

static int print_cluster(const struct verb_want *want, const Weir__V1__ClusterStatus *s)
{
	struct table t;

	if (want->json) {
		print_json(&s->base);
		return is_well(s) ? VERB_OK : VERB_NO;
	}
	print_head(s);
	putchar('\n');
	table_begin(&t, "NODE", "STATE", "AGENT", "UP", "FLOWS/S", "LOST", "PODS", "POLICIES", "REJECTED", "FULLEST", "CLOCK",
		    "WHY", NULL);
	for (size_t i = 0; i < s->n_node; i++)
		add_node(&t, s->node[i]);
	table_end(&t, stdout);
	print_troubles(s);
	return is_well(s) ? VERB_OK : VERB_NO;
}

static bool is_healthy(struct connect *c)
{
	Grpc__Health__V1__HealthCheckRequest ask = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	Grpc__Health__V1__HealthCheckResponse *answer;
	struct complaint why;
	bool serves;

	ask.service = HEALTH_NAME;
	if (connect_try(c, "/grpc.health.v1.Health/Check", &ask.base, &grpc__health__v1__health_check_response__descriptor, &answer, &why))
		return false;
	serves = answer->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	protobuf_c_message_free_unpacked(&answer->base, NULL);
	return serves;
}

static void print_server(struct connect *c, const Observer__ServerStatusResponse *s, bool healthy)
{
	double seconds = s->uptime_ns / 1e9;
	struct text names = { 0 };

	printf("Healthcheck (via %s): %s\n", connect_server(c), healthy ? "Ok" : "Unavailable");
	printf("Current/Max Flows: %llu/%llu (%.2f%%)\n", (unsigned long long)s->num_flows, (unsigned long long)s->max_flows,
	       s->max_flows ? 100.0 * s->num_flows / s->max_flows : 0);
	printf("Flows/s: %.2f\n", s->flows_rate > 0 || seconds <= 0 ? s->flows_rate : s->seen_flows / seconds);
	if (s->num_connected_nodes)
		printf("Connected Nodes: %u/%u\n", s->num_connected_nodes->value,
		       s->num_connected_nodes->value + (s->num_unavailable_nodes ? s->num_unavailable_nodes->value : 0));
	for (size_t i = 0; i < s->n_unavailable_nodes; i++) {
		text_put(&names, i ? ", " : "");
		text_clean(&names, s->unavailable_nodes[i]);
	}
	if (names.n)
		printf("Unavailable Nodes: %.*s\n", (int)names.n, names.data);
	text_free(&names);
}

struct fact {
	const char *name;
	char value[64];
};
#define FACTS 8

/* As the answer has them, one by one. */
static unsigned int facts_of(const Observer__ServerStatusResponse *s, struct fact f[FACTS])
{
	double seconds = s->uptime_ns / 1e9;
	unsigned int n = 0;

#define FACT(name_, format, ...) \
	do { \
		f[n].name = name_; \
		snprintf(f[n++].value, sizeof(f[0].value), format, __VA_ARGS__); \
	} while (0)
	FACT("NUM FLOWS", "%llu", (unsigned long long)s->num_flows);
	FACT("MAX FLOWS", "%llu", (unsigned long long)s->max_flows);
	FACT("SEEN FLOWS", "%llu", (unsigned long long)s->seen_flows);
	FACT("FLOWS PER SECOND", "%.2f", s->flows_rate > 0 || seconds <= 0 ? s->flows_rate : s->seen_flows / seconds);
	FACT("UPTIME", "%.0fs", seconds);
	FACT("NUM CONNECTED NODES", s->num_connected_nodes ? "%u" : "N/A", s->num_connected_nodes ? s->num_connected_nodes->value : 0);
	FACT("NUM UNAVAILABLE NODES", s->num_unavailable_nodes ? "%u" : "N/A", s->num_unavailable_nodes ? s->num_unavailable_nodes->value : 0);
	FACT("VERSION", "%.63s", *s->version ? s->version : "N/A");
#undef FACT
	return n;
}

static void print_facts(const Observer__ServerStatusResponse *s, bool table)
{
	struct fact f[FACTS];
	const char *head[FACTS];
	unsigned int n = facts_of(s, f);
	struct text one = { 0 };
	struct table t;

	for (unsigned int i = 0; i < n; i++)
		head[i] = f[i].name;
	if (table) {
		table_heads(&t, head, n);
		t.gap = 3;
		for (unsigned int i = 0; i < n; i++)
			table_cell(&t, "%s", f[i].value);
		table_end(&t, stdout);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		text_print(&one, "%21s: ", f[i].name);
		text_clean(&one, f[i].value);
		text_char(&one, '\n');
	}
	fwrite(one.data, 1, one.n, stdout);
	text_free(&one);
}

/* Somebody else's server. */
static int ask_plain(const struct verb_want *want, struct connect *c)
{
	Observer__ServerStatusRequest ask = OBSERVER__SERVER_STATUS_REQUEST__INIT;
	Observer__ServerStatusResponse *s;
	bool healthy;
	int code = connect_ask(c, "/observer.Observer/ServerStatus", &ask.base, &observer__server_status_response__descriptor, &s);

	if (code != VERB_GO)
		return code;
	healthy = is_healthy(c);
	if (want->json)
		print_json(&s->base);
	else if (want->output && (!strcmp(want->output, "dict") || !strcmp(want->output, "table")))
		print_facts(s, *want->output == 't');
	else
		print_server(c, s, healthy);
	if (!healthy || (s->num_unavailable_nodes && s->num_unavailable_nodes->value))
		code = VERB_NO;
	protobuf_c_message_free_unpacked(&s->base, NULL);
	return code == VERB_GO ? VERB_OK : code;
}

static int ask_agent(const struct verb_want *want, struct connect *c, ask_fn one)
{
	Weir__V1__StatusRequest ask = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	struct complaint why = { 0 };
	enum rpc_code end;
	int code;

	end = connect_try(c, "/weir.v1.Agent/Status", &ask.base, &weir__v1__status__descriptor, &reply.status, &why);
	if (end == RPC_UNIMPLEMENTED)
		return ask_plain(want, c);
	if (end != RPC_OK)
		return connect_failed(c, "/weir.v1.Agent/Status", end, &why);
	reply.answer_case = WEIR__V1__REPLY__ANSWER_STATUS;
	code = one(NULL, &reply);
	protobuf_c_message_free_unpacked(&reply.status->base, NULL);
	return code;
}

static int ask_any(const struct verb_want *want, struct connect *c, ask_fn one)
{
	Weir__V1__ClusterStatusRequest ask = WEIR__V1__CLUSTER_STATUS_REQUEST__INIT;
	Weir__V1__ClusterStatus *s;
	struct complaint why = { 0 };
	enum rpc_code end;
	int code;

	ask.nodes_status = true;
	end = connect_try(c, "/weir.v1.Relay/ClusterStatus", &ask.base, &weir__v1__cluster_status__descriptor, &s, &why);
	if (end == RPC_UNIMPLEMENTED)
		return ask_agent(want, c, one);
	if (end != RPC_OK)
		return connect_failed(c, "/weir.v1.Relay/ClusterStatus", end, &why);
	code = print_cluster(want, s);
	protobuf_c_message_free_unpacked(&s->base, NULL);
	return code;
}

int status_remote(const struct verb_want *want, const char *server, ask_fn one)
{
	struct connect *c;
	int code;

	connect_to(server);
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	code = ask_any(want, c, one);
	connect_close(c);
	return code;
}

int status_hubble(const struct verb_want *want)
{
	struct connect *c;
	int code;

	if (want->server)
		connect_to(want->server);
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	code = ask_plain(want, c);
	connect_close(c);
	return code;
}
