// SPDX-License-Identifier: Apache-2.0
/* weir endpoints: which pod, which interface, which policies. */
#include <string.h>

#include "tools/ask_rpc.h"
#include "tools/list.h"

static struct verb_want want;
static const char *only;
static bool of_nodes;		/* a relay may answer for more than one */

static const struct opt options[] = {
	OPT_TEXT('p', "pod", &only, "NAMESPACE/POD", "this one alone"),
	VERB_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"endpoints [OPTION...]",
	"Lists the pods of this node, or by a relay of all: interface, state, how packets reach them (redirect, or stack and why), the flow slots\n"
	"they pay for, and the policies that select them.",
	"0 listed, 1 there is none, or one is not armed", false,
	"  weir endpoints                        # of this node\n"
	"  weir endpoints --pod shop/cart -o json\n"
	"  weir endpoints -s relay.example:4245  # of every node\n",
	NULL
};

static const char *joined(char *const *word, size_t n, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "-");
	for (size_t i = 0; i < n && used < size; i++)
		used += snprintf(buf + used, size - used, "%s%s", i ? "," : "", word[i]);
	return buf;
}

static void add_row(struct table *t, const Weir__V1__Endpoint *e)
{
	char text[1024];

	if (of_nodes)
		table_cell(t, "%s", *ask_rpc_node ? ask_rpc_node : "-");
	table_cell(t, "%u", e->number);
	table_cell(t, "%s", e->pod);
	table_cell(t, "%s", *e->interface ? e->interface : "-");
	table_cell(t, "%s", joined(e->addresses, e->n_addresses, text, sizeof(text)));
	table_cell(t, "%s%s%s", e->state, *e->why ? ": " : "", e->why);
	table_cell(t, "%s%s%s%s", e->path, *e->path_reason ? " (" : "", e->path_reason, *e->path_reason ? ")" : "");
	table_cell(t, "%u/%u", e->slots, e->slots_quota);
	table_cell(t, "%s", joined(e->ingress, e->n_ingress, text, sizeof(text)));
	table_cell(t, "%s", joined(e->egress, e->n_egress, text, sizeof(text)));
}

struct seen {
	struct list list;
	bool bad;
};

static int on_part(void *ctx, const Weir__V1__Reply *part)
{
	const Weir__V1__Endpoints *all = part->endpoints;
	struct seen *seen = ctx;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_ENDPOINTS)
		return VERB_GO;		/* a last part without a list */
	for (size_t i = 0; i < all->n_endpoint; i++) {
		const Weir__V1__Endpoint *e = all->endpoint[i];

		if (only && strcmp(only, e->pod))
			continue;
		seen->list.n++;
		seen->bad |= strcmp(e->state, "armed") != 0;
		if (want.json)
			list_json(&seen->list, &e->base);
		else
			add_row(&seen->list.table, e);
	}
	return VERB_GO;
}

int endpoints_main(int argc, char **argv)
{
	Weir__V1__EndpointsRequest endpoints = WEIR__V1__ENDPOINTS_REQUEST__INIT;
	Weir__V1__Request ask = ASK(ENDPOINTS, endpoints, &endpoints);
	static const char *const head[] = {
		"NODE", "NUMBER", "POD", "INTERFACE", "ADDRESSES", "STATE", "PATH", "SLOTS", "INGRESS BY", "EGRESS BY",
	};
	struct verb_words words;
	struct seen seen = { .bad = false };
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	of_nodes = ask_is_rpc(ask_server(&want));
	table_heads(&seen.list.table, head + !of_nodes, sizeof(head) / sizeof(head[0]) - !of_nodes);
	list_begin(&seen.list, &want, "endpoints");
	code = ask_each(&want, &ask, ASK_WAIT_MS, on_part, &seen);
	list_end(&seen.list, code);
	if (code != VERB_OK)
		return code;
	if (!seen.list.n && !want.json)
		printf(only ? "no such pod on this node\n" : "no pods on this node\n");
	return seen.list.n && !seen.bad ? VERB_OK : VERB_NO;
}
