// SPDX-License-Identifier: Apache-2.0
/* weir status: is the node's wall up, what is rejected, dropped, full. */
#include <string.h>

#include "lib/control/json.h"
#include "tools/ask_rpc.h"
#include "tools/status_remote.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/words.h"

static struct verb_want want = { .outputs = STATUS_OUTPUTS };
static bool all;

static const struct opt options[] = {
	OPT_FLAG('a', "all", &all, "also what has no bound of its own, and counters that are zero"),
	VERB_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"status [OPTION...]",
	"Says whether the agent enforces, what it refused, how full each bounded thing is, and what was dropped by reason. Of a\n"
	"relay: all of that node by node, and which nodes are missing, and why. With -o compact, dict or table: what any server of\n"
	"the Hubble API says of itself.",
	"0 all is well, 1 something is rejected, a node is missing, or a counter that must stay zero is not", false,
	"  weir status                           # this node's agent\n"
	"  weir status -s relay.example:4245     # the cluster\n"
	"  weir status -o json | jq .rejected\n",
	NULL
};

/* Reasons that point at a fault of weir or at a bound that was met: never in good health. */
static bool alarming(const Weir__V1__Counter *c)
{
	return c->packets && (!strcmp(c->name, "no-row") || !strcmp(c->name, "no-class") || !strcmp(c->name, "no-room"));
}

static bool is_well(const Weir__V1__Status *s)
{
	for (size_t i = 0; i < s->n_reasons; i++)
		if (alarming(s->reasons[i]))
			return false;
	return s->n_rejected == 0;
}

static void print_head(const Weir__V1__Status *s)
{
	char up[24], rss[24], maps[24];

	printf("node %s   weir %s (abi %u)   mode %s   hook %s   up %s%s\n", *s->node ? s->node : "(unnamed)", s->version,
	       s->abi, s->mode, s->hook, text_age(s->uptime_ms, up, sizeof(up)),
	       s->adopted ? ", took over from an earlier agent" : "");
	printf("pods %u known, %u here   policies %u   objects rejected %zu   generation %u\n", s->pods, s->local_pods,
	       s->policies, s->n_rejected, s->generation);
	printf("last change in force after %.1f ms   memory %s, kernel maps %s\n", s->apply_last_us / 1000.0,
	       text_bytes(s->rss_bytes, rss, sizeof(rss)), text_bytes(s->map_bytes, maps, sizeof(maps)));
}

static void print_rejected(const Weir__V1__Status *s)
{
	if (!s->n_rejected)
		return;
	printf("\n%srejected%s\n", colour_on(COLOUR_BAD, want.colour), colour_off(want.colour));
	for (size_t i = 0; i < s->n_rejected; i++)
		status_rejected("  ", NULL, s->rejected[i]);
}

/* What has a bound; what has none is memory, and told with --all. */
static void print_gauges(const Weir__V1__Status *s, bool bounded)
{
	struct table t;

	if (bounded)
		table_begin(&t, "ROOM", "USED", "SIZE", "FULL", NULL);
	else
		table_begin(&t, "WITHOUT A BOUND OF ITS OWN", "HELD", NULL);
	for (size_t i = 0; i < s->n_gauges; i++) {
		const Weir__V1__Gauge *g = s->gauges[i];

		if (!g->size != !bounded)
			continue;
		table_cell(&t, "%s", g->name);
		table_cell(&t, "%llu", (unsigned long long)g->used);
		if (!bounded)
			continue;
		table_cell(&t, "%llu", (unsigned long long)g->size);
		table_cell(&t, "%.0f %%", 100.0 * g->used / g->size);
	}
	putchar('\n');
	table_end(&t, stdout);
}

static void print_counters(const char *head, Weir__V1__Counter *const *counter, size_t n, bool dropped)
{
	struct table t;

	table_begin(&t, head, "PACKETS", "BYTES", "WHAT IT MEANS", NULL);
	for (size_t i = 0; i < n; i++) {
		const Weir__V1__Counter *c = counter[i];

		if (c->drop != dropped || (!c->packets && !all))
			continue;
		table_cell(&t, "%s", c->name);
		table_cell(&t, "%llu", (unsigned long long)c->packets);
		table_cell(&t, "%llu", (unsigned long long)c->bytes);
		table_cell(&t, "%s", c->text);
	}
	if (t.ncells > t.ncolumns)
		putchar('\n');
	table_end(&t, stdout);
}

static int on_status(void *ctx, const Weir__V1__Reply *part)
{
	const Weir__V1__Status *s = part->status;
	struct json_out j;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_STATUS)
		return verb_fail(VERB_FAILED, "the agent answered something else");
	if (want.json) {
		json_begin(&j, stdout, true);
		json_message(&j, NULL, &s->base);
		json_done(&j);
	} else {
		print_head(s);
		print_rejected(s);
		print_gauges(s, true);
		if (all)
			print_gauges(s, false);
		print_counters("DROPPED", s->reasons, s->n_reasons, true);
		print_counters("PASSED", s->reasons, s->n_reasons, false);
		print_counters("COUNTED", s->stats, s->n_stats, false);
	}
	return is_well(s) ? VERB_OK : VERB_NO;
}

int status_main(int argc, char **argv)
{
	Weir__V1__StatusRequest status = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Request ask = ASK(STATUS, status, &status);
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	if (want.output && !want.json && strcmp(want.output, "text"))
		return status_hubble(&want);
	if (ask_is_rpc(ask_server(&want)))
		return status_remote(&want, ask_server(&want), on_status);
	return ask_each(&want, &ask, ASK_WAIT_MS, on_status, NULL);
}
