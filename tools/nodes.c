// SPDX-License-Identifier: Apache-2.0
/* weir list: nodes that a relay knows, namespaces that had traffic. */
#include <string.h>

#include "lib/wire/json.h"
#include "proto/observer/observer.pb-c.h"
#include "tools/connect.h"
#include "tools/table.h"
#include "tools/verb.h"
#include "tools/words.h"

#define OUTPUTS "table|wide|json"

static struct verb_want want;
static const char *output;

static const struct opt options[] = {
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	OPT_WORD('o', "output", &output, OUTPUTS, "columns, more of them, or the answer as it is"),
	OPT_FLAG('h', "help", &want.help, "say this"),
	OPT_END
};

static bool is(const char *word)
{
	return output && !strcmp(output, word);
}

/* An array of them, as Hubble's tools print it. */
static void print_json(const ProtobufCMessage *const *item, size_t n)
{
	struct json_out j;

	json_begin(&j, stdout, true);
	json_array(&j, NULL);
	for (size_t i = 0; i < n; i++)
		wire_json(&j, NULL, item[i]);
	json_end(&j);
	json_done(&j);
}

static const char *state_word(Relay__NodeState state)
{
	switch (state) {
	case RELAY__NODE_STATE__NODE_CONNECTED:
		return "Connected";
	case RELAY__NODE_STATE__NODE_UNAVAILABLE:
		return "Unavailable";
	case RELAY__NODE_STATE__NODE_GONE:
		return "Gone";
	case RELAY__NODE_STATE__NODE_ERROR:
		return "Error";
	default:
		return "Unknown";
	}
}

static void add_node(struct table *t, const Observer__Node *n)
{
	double seconds = n->uptime_ns / 1e9;
	char age[24];

	table_cell(t, "%s", n->name);
	table_cell(t, "%s", state_word(n->state));
	table_cell(t, "%s", n->uptime_ns ? text_age(n->uptime_ns / 1000000, age, sizeof(age)) : "N/A");
	table_cell(t, seconds > 0 ? "%.2f" : "N/A", seconds > 0 ? n->seen_flows / seconds : 0);
	if (n->max_flows)
		table_cell(t, "%llu/%llu (%.2f%%)", (unsigned long long)n->num_flows, (unsigned long long)n->max_flows,
			   100.0 * n->num_flows / n->max_flows);
	else
		table_cell(t, "N/A");
	if (!is("wide"))
		return;
	table_cell(t, "%s", *n->version ? n->version : "N/A");
	table_cell(t, "%s", n->address);
	table_cell(t, "%s", n->tls && n->tls->enabled ? "Enabled" : "Disabled");
}

static void print_nodes(const Observer__GetNodesResponse *r)
{
	static const char *const head[] = {
		"NAME", "STATUS", "AGE", "FLOWS/S", "CURRENT/MAX-FLOWS", "VERSION", "ADDRESS", "TLS",
	};
	struct table t;

	table_heads(&t, head, is("wide") ? 8 : 5);
	t.gap = 3;
	for (size_t i = 0; i < r->n_nodes; i++)
		add_node(&t, r->nodes[i]);
	table_end(&t, stdout);
	if (!r->n_nodes)
		fprintf(stderr, "the relay knows no nodes yet (its --peers or --peer-service say where to look)\n");
}

static bool all_connected(const Observer__GetNodesResponse *r)
{
	for (size_t i = 0; i < r->n_nodes; i++)
		if (r->nodes[i]->state != RELAY__NODE_STATE__NODE_CONNECTED)
			return false;
	return r->n_nodes;
}

static int nodes_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"list nodes [OPTION...]",
		"Lists the nodes that a relay knows: state, since when, flows a second, flows kept.",
		"0 all are connected, 1 one is not, or none is known", false,
		"  weir list nodes\n"
		"  weir list nodes -o wide --server relay.example:4245\n", NULL
	};
	Observer__GetNodesRequest ask = OBSERVER__GET_NODES_REQUEST__INIT;
	static const char path[] = "/observer.Observer/GetNodes";
	Observer__GetNodesResponse *answer;
	struct complaint why = { 0 };
	struct verb_words words;
	struct connect *c;
	enum rpc_code end;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	end = connect_try(c, path, &ask.base, &observer__get_nodes_response__descriptor, &answer, &why);
	if (end == RPC_OK) {
		if (is("json"))
			print_json((const ProtobufCMessage *const *)answer->nodes, answer->n_nodes);
		else
			print_nodes(answer);
		code = all_connected(answer) ? VERB_OK : VERB_NO;
		observer__get_nodes_response__free_unpacked(answer, NULL);
	} else if (end == RPC_UNIMPLEMENTED) {
		code = verb_fail(VERB_FAILED, "'%s' is an agent, which knows its own node alone: ask a relay (--server HOST:4245), "
				 "or 'weir status' for this node", connect_server(c));
	} else {
		code = connect_failed(c, path, end, &why);
	}
	connect_close(c);
	return code;
}

static void print_namespaces(const Observer__GetNamespacesResponse *r)
{
	static const char *const head[] = { "NAMESPACE", "CLUSTER" };
	struct table t;

	table_heads(&t, head, is("wide") ? 2 : 1);
	t.gap = 3;
	for (size_t i = 0; i < r->n_namespaces; i++) {
		table_cell(&t, "%s", r->namespaces[i]->namespace_);
		if (is("wide"))
			table_cell(&t, "%s", r->namespaces[i]->cluster);
	}
	table_end(&t, stdout);
	if (!r->n_namespaces)
		fprintf(stderr, "no namespace had traffic in the last hour ('weir endpoints' lists pods that are there)\n");
}

static int namespaces_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"list namespaces [OPTION...]",
		"Lists the namespaces that had traffic in the last hour.",
		"0 listed, 1 there is none", false,
		"  weir list namespaces\n"
		"  for ns in $(weir list namespaces | tail -n +2); do weir observe -n $ns --denied; done\n", NULL
	};
	Observer__GetNamespacesRequest ask = OBSERVER__GET_NAMESPACES_REQUEST__INIT;
	Observer__GetNamespacesResponse *answer;
	struct verb_words words;
	struct connect *c;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	code = connect_ask(c, "/observer.Observer/GetNamespaces", &ask.base, &observer__get_namespaces_response__descriptor, &answer);
	if (code == VERB_GO) {
		if (is("json"))
			print_json((const ProtobufCMessage *const *)answer->namespaces, answer->n_namespaces);
		else
			print_namespaces(answer);
		code = answer->n_namespaces ? VERB_OK : VERB_NO;
		observer__get_namespaces_response__free_unpacked(answer, NULL);
	}
	connect_close(c);
	return code;
}

int list_main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "nodes", nodes_main, "nodes that the relay knows" },
		{ "namespaces", namespaces_main, "namespaces that had traffic" },
		{ "node", nodes_main, NULL },
		{ "namespace", namespaces_main, NULL },
		{ NULL, NULL, NULL }
	};

	return verb_run(verbs, "weir list", "Lists what a server knows.", argc, argv);
}
