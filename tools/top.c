// SPDX-License-Identifier: Apache-2.0
/* weir top: who talks to whom, live. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/json_write.h"
#include "tools/connect.h"
#include "tools/edges.h"
#include "tools/edges_print.h"
#include "tools/reuse.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/verb.h"
#include "tools/stamp.h"
#include "tools/words.h"

#define ROWS 20			/* where no screen says how many */
#define ROWS_MOST 1000

static struct verb_want want;
static struct edges_how how;
static const char *by = "bytes";
static unsigned int interval = 2000, limit, for_ms;
static bool once;

static const struct opt options[] = {
	OPT_HEAD("what is shown"),
	OPT_WORD('b', "by", &by, "bytes|flows|denials", "what the order is by (bytes)"),
	OPT_FLAG('p', "pairs", &how.pairs, "all ports of two workloads together"),
	OPT_FLAG('t', "totals", &how.totals, "sums since the server started, not rates of the last seconds"),
	OPT_TEXT('n', "namespace", &how.ns, "NAMESPACE", "only what has an end in it"),
	OPT_UINT(0, "limit", &limit, "N", "at most so many rows (as many as the screen has, else 20)"),
	OPT_DURATION('i', "interval", &interval, "TIME", "between two screens, at least 1s (2s)"),
	OPT_FLAG(0, "once", &once, "sums since the server started, once"),
	OPT_DURATION(0, "for", &for_ms, "TIME", "end by itself after so long"),
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	VERB_OUTPUT_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"top [OPTION...]",
	"Shows which workloads talk to which, by what goes through, by new flows or by denials, from sums that are exact\n"
	"whether or not events were lost. Of one node from its agent, of the cluster from a relay. On a terminal the screen is\n"
	"redrawn, elsewhere one table follows another. Ctrl-C ends.\n"
	"LIVE are flows that go on: neither ended nor cut, and heard of in the last half minute, connections in two hours.",
	"0 something was shown, 1 nothing talks", false,
	"  weir top\n"
	"  weir top --by denials -n shop           # who is cut, and by which policy\n"
	"  weir top --once --pairs -o json | jq '.edges[] | [.source, .destination, .bytes]'\n", NULL
};

struct screen {
	bool live;			/* a terminal: redrawn in place */
	unsigned int rows, columns;
	unsigned int shown;		/* tables so far */
	bool any;
};

struct seen {
	struct reuse room;
	struct edges edges;
	struct screen screen;
	struct edges_row row[ROWS_MOST];
};

static void measure(struct screen *s)
{
	struct winsize w;

	s->columns = 0;
	s->rows = ROWS;
	if (!s->live || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		return;
	s->columns = w.ws_col;
	if (w.ws_row > 4)
		s->rows = w.ws_row - 4;		/* what stands round the rows */
}

static const char *rate_text(uint64_t bytes, uint64_t ms, bool totals, char buf[32])
{
	char size[24];

	if (totals || !ms)
		return text_bytes(bytes, buf, 32);
	snprintf(buf, 32, "%s/s", text_bytes(bytes * 1000 / ms, size, sizeof(size)));
	return buf;
}

static void add_row(struct table *t, const struct edges_row *r, uint64_t ms, bool totals)
{
	const struct edge_sums *s = &r->sums;
	char buf[32];

	table_cell(t, "%s", r->edge->source);
	table_cell(t, "%s", r->edge->destination);
	table_cell(t, "%s", edges_port_text(r, buf));
	table_cell(t, "%s", rate_text(s->bytes, ms, totals, buf));
	if (totals)
		table_cell(t, "%llu", (unsigned long long)s->opened);
	else
		table_cell(t, "%.1f", ms ? s->opened * 1000.0 / ms : 0);
	table_cell(t, "%u", r->live);
	table_cell(t, "%llu", (unsigned long long)s->denied);
	table_cell(t, "%llu", (unsigned long long)s->dropped);
	if (s->handshakes)
		table_cell(t, "%.2f ms", s->handshake_us / 1000.0 / s->handshakes);
	else
		table_cell(t, "-");
	table_cell(t, "%s", s->denied && r->edge->author ? r->edge->author : "");
}

/* A screen's line is cut where the screen ends, so that a table keeps its rows. */
static void print_cut(const char *text, size_t size, const struct screen *s)
{
	while (size) {
		size_t n = strcspn(text, "\n") + 1, width = 0, at = 0;

		while (at + 1 < n && (!s->columns || width < s->columns)) {
			at++;
			while (at + 1 < n && (text[at] & 0xc0) == 0x80)
				at++;
			width++;
		}
		fwrite(text, 1, at, stdout);
		fputs(s->live ? "\033[K\n" : "\n", stdout);
		text += n;
		size -= n;
	}
}

static void print_head(const struct edges *e, const struct screen *s, unsigned int shown, unsigned int all, uint64_t ms)
{
	struct stamp stamp;
	struct text t = { 0 };
	char age[24];

	stamp_format(&stamp, NULL);
	stamp_put(&stamp, &t, e->at / 1000000000, e->at % 1000000000);
	text_put(&t, *e->node ? " node " : " cluster");
	text_clean(&t, e->node);
	text_print(&t, ", %s of %s, by %s: ", how.totals || !e->before ? "sums" : "rates", text_age(ms, age, sizeof(age)), by);
	if (shown < all)
		text_print(&t, "%u of ", shown);
	text_print(&t, how.pairs ? "%u pair%s" : "%u edge%s", all, all == 1 ? "" : "s");
	if (e->left_out)
		text_print(&t, " and %llu that had no room", (unsigned long long)e->left_out);
	text_print(&t, ", %llu events lost\n", (unsigned long long)e->lost);
	print_cut(t.data, t.n, s);
	text_free(&t);
}

static void print_table(struct seen *me, unsigned int n, unsigned int all, uint64_t ms)
{
	const char *nothing = how.by == EDGES_DENIALS ? "nothing was denied in that time\n" : "nothing talked in that time\n";
	bool totals = how.totals || !me->edges.before;
	struct screen *s = &me->screen;
	struct table t;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	table_begin(&t, "FROM", "TO", "PORT", "BYTES", totals ? "FLOWS" : "FLOWS/S", "LIVE", "DENIED", "DROPPED", "HANDSHAKE", "DENIED BY", NULL);
	for (unsigned int i = 0; i < n; i++)
		add_row(&t, &me->row[i], ms, totals);
	table_end(&t, to);
	fclose(to);
	if (s->live)
		fputs(s->shown ? "\033[H" : "\033[?25l\033[H\033[2J", stdout);	/* the cursor would run about */
	else if (s->shown)
		putchar('\n');
	print_head(&me->edges, s, n, all, ms);
	print_cut(text, size, s);
	if (!n)
		print_cut(nothing, strlen(nothing), s);
	if (s->live)
		fputs("\033[J", stdout);
	free(text);
}

static void print_json(struct seen *me, unsigned int n, uint64_t ms)
{
	struct stamp stamp;
	struct text t = { 0 };
	struct json_out j;

	stamp_format(&stamp, "RFC3339Milli");
	stamp_put(&stamp, &t, me->edges.at / 1000000000, me->edges.at % 1000000000);
	text_char(&t, '\0');
	json_begin(&j, stdout, false);
	json_object(&j, NULL);
	json_text(&j, "time", t.data);
	json_text(&j, "node", me->edges.node);
	json_uint(&j, "interval_ms", ms);
	json_bool(&j, "totals", how.totals || !me->edges.before);
	json_uint(&j, "lost", me->edges.lost);
	json_array(&j, "edges");
	for (unsigned int i = 0; i < n; i++)
		edges_row_json(&j, &me->row[i]);
	json_end(&j);
	json_end(&j);
	json_done(&j);
	text_free(&t);
}

static int show(struct seen *me)
{
	unsigned int most, n, all;
	uint64_t ms;

	edges_turn(&me->edges);
	ms = edges_span(&me->edges, &how);
	measure(&me->screen);
	most = limit ? limit : want.json ? ROWS_MOST : me->screen.rows;
	n = edges_rows(&me->edges, &how, me->row, most < ROWS_MOST ? most : ROWS_MOST, &all);
	if (want.json)
		print_json(me, n, ms);
	else
		print_table(me, n, all, ms);
	me->screen.shown++;
	me->screen.any |= n > 0;
	return fflush(stdout) || once ? VERB_OK : VERB_GO;
}

static int on_edges(void *ctx, const uint8_t *data, size_t size)
{
	struct seen *me = ctx;
	const Weir__V1__EdgesReply *r = reuse_unpack(&me->room, &weir__v1__edges_reply__descriptor, data, size);

	return r && edges_take(&me->edges, r) ? show(me) : VERB_GO;
}

static int run(struct seen *me)
{
	Weir__V1__EdgesRequest ask = WEIR__V1__EDGES_REQUEST__INIT;
	struct connect_stream stream = {
		.path = "/weir.v1.Agent/Edges", .other = "/weir.v1.Relay/Edges",
		.lacks = "tells no sums of edges: it is neither weir-agent nor weir-relay", .ask = &ask.base, .message = on_edges, .ctx = me,
		.for_ms = for_ms,
	};
	struct connect *c;
	int code;

	ask.interval_ms = interval;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	code = connect_stream(c, &stream);
	if (me->screen.live && me->screen.shown)
		fputs("\033[?25h", stdout);
	fflush(stdout);
	connect_close(c);
	return code;
}

int top_main(int argc, char **argv)
{
	static struct seen me;
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	if (interval < 1000)
		return verb_fail(VERB_USAGE, "an interval is at least 1s");
	how.by = !strcmp(by, "flows") ? EDGES_FLOWS : !strcmp(by, "denials") ? EDGES_DENIALS : EDGES_BYTES;
	how.totals |= once;
	me.screen.live = !want.json && !once && want.colour;
	reuse_begin(&me.room);
	code = run(&me);
	reuse_end(&me.room);
	edges_free(&me.edges);
	if (code != VERB_GO && code != VERB_OK)
		return code;
	return me.screen.any ? VERB_OK : VERB_NO;
}
