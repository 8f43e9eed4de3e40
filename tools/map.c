// SPDX-License-Identifier: Apache-2.0
/* weir map: the page's map for a terminal, or for a program that draws. */
#include <stdlib.h>
#include <string.h>

#include "lib/json_write.h"
#include "tools/connect.h"
#include "tools/edges.h"
#include "tools/edges_print.h"
#include "tools/reuse.h"
#include "tools/stamp.h"
#include "tools/text.h"
#include "tools/verb.h"
#include "tools/words.h"

#define ROWS 1500		/* edges that are shown; the busiest, and all that are counted as denied come first */
#define ROWS_MOST 20000
#define RED "\033[31m"
#define PLAIN "\033[0m"

static struct verb_want want;
static struct edges_how how = { .totals = true };
static const char *output = "text";
static unsigned int limit = ROWS;
static bool denied_only;

static const struct opt options[] = {
	OPT_HEAD("what is shown"),
	OPT_TEXT('n', "namespace", &how.ns, "NAMESPACE", "only what has an end in it"),
	OPT_FLAG('p', "pairs", &how.pairs, "all ports of two workloads as one edge"),
	OPT_FLAG(0, "denied", &denied_only, "only edges that were denied"),
	OPT_UINT(0, "limit", &limit, "N", "at most so many edges, at most 20000 (1500)"),
	OPT_WORD('o', "output", &output, "text|dot|mermaid|json", "for people (text), for graphviz, for a page of Markdown, for programs"),
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	OPT_FLAG('h', "help", &want.help, "say this"),
	OPT_END
};

static const struct verb_help help = {
	"map [OPTION...]",
	"Prints who talks to whom: workloads by namespace, those that are only asked last, and each one's edges with what went\n"
	"through and what was denied, by whom. The sums are exact, since the server started, of one node from its agent and of\n"
	"the cluster from a relay. With -o dot or mermaid the same as a graph. The relay's page shows it drawn and live.",
	"0 something was shown, 1 nothing talks", false,
	"  weir map -n shop\n"
	"  weir map -o dot | dot -Tsvg >map.svg\n"
	"  weir map --denied -o mermaid            # for the report\n", NULL
};

struct mark {
	const char *name;
	size_t ns;			/* length of its namespace; 0: outside */
	unsigned int height;		/* of the longest way on from here, in edges; 0 not known yet */
	bool open;			/* on the way that is being looked at */
	unsigned int first_height;	/* of its namespace */
};

struct drawing {
	struct reuse room;
	struct edges edges;
	struct edges_row row[ROWS_MOST];
	unsigned int rows, hidden;
	struct mark *mark;		/* at most two a row */
	unsigned int marks;
	bool shown;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct mark *)a)->name, ((const struct mark *)b)->name);
}

static struct mark *mark_of(struct drawing *d, const char *name)
{
	struct mark key = { .name = name };

	return bsearch(&key, d->mark, d->marks, sizeof(*d->mark), by_name);
}

static size_t namespace_of(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash && !strchr(name, ' ') ? slash - name : 0;
}

static const char *bare(const struct mark *m) { return m->ns ? m->name + m->ns + 1 : m->name; }

static int by_source(const void *a, const void *b)
{
	const struct edges_row *x = a, *y = b;
	int order = strcmp(x->edge->source, y->edge->source);

	order = order ? order : strcmp(x->edge->destination, y->edge->destination);
	return order ? order : (int)x->edge->port - (int)y->edge->port;
}

/* The rows that begin at 'name', which stand together. */
static unsigned int rows_of(const struct drawing *d, const char *name, unsigned int *first)
{
	unsigned int low = 0, high = d->rows, n = 0;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (strcmp(d->row[middle].edge->source, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	while (low + n < d->rows && !strcmp(d->row[low + n].edge->source, name))
		n++;
	return n;
}

/* A way that comes back to where it was ends there.  As deep as a chain of workloads is long, and no deeper than 64. */
static unsigned int height(struct drawing *d, struct mark *m, unsigned int depth)
{
	unsigned int first, n, most = 0;

	if (m->height || m->open || depth > 64)
		return m->height;
	m->open = true;
	n = rows_of(d, m->name, &first);
	for (unsigned int i = first; i < first + n; i++) {
		unsigned int h = height(d, mark_of(d, d->row[i].edge->destination), depth + 1);

		most = h > most ? h : most;
	}
	m->open = false;
	return m->height = most + 1;
}

static bool same_namespace(const struct mark *a, const struct mark *b)
{
	return a->ns == b->ns && !strncmp(a->name, b->name, a->ns);
}

static int by_place(const void *a, const void *b)
{
	const struct mark *x = *(const struct mark *const *)a, *y = *(const struct mark *const *)b;
	int order;

	if (!x->ns != !y->ns)
		return x->ns ? 1 : -1;		/* outside first */
	if (x->first_height != y->first_height)
		return x->first_height < y->first_height ? 1 : -1;
	order = strncmp(x->name, y->name, x->ns > y->ns ? x->ns + 1 : y->ns + 1);
	if (!same_namespace(x, y))
		return order;
	if (x->height != y->height)
		return x->height < y->height ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void place_marks(struct drawing *d)
{
	unsigned int n = 0;

	d->mark = calloc(2 * d->rows + 1, sizeof(*d->mark));
	if (!d->mark)
		abort();
	for (unsigned int i = 0; i < d->rows; i++) {
		d->mark[2 * i].name = d->row[i].edge->source;
		d->mark[2 * i + 1].name = d->row[i].edge->destination;
	}
	qsort(d->mark, 2 * d->rows, sizeof(*d->mark), by_name);
	for (unsigned int i = 0; i < 2 * d->rows; i++)
		if (!n || strcmp(d->mark[n - 1].name, d->mark[i].name))
			d->mark[n++] = d->mark[i];
	d->marks = n;
	for (unsigned int i = 0; i < n; i++)
		d->mark[i].ns = namespace_of(d->mark[i].name);
	qsort(d->row, d->rows, sizeof(*d->row), by_source);
	for (unsigned int i = 0; i < n; i++)
		height(d, &d->mark[i], 0);
	for (unsigned int i = 0, j; i < n; i = j) {	/* names of a namespace stand together: it is what they begin with */
		unsigned int most = 0;

		for (j = i; j < n && same_namespace(&d->mark[i], &d->mark[j]); j++)
			most = d->mark[j].height > most ? d->mark[j].height : most;
		for (unsigned int k = i; k < j; k++)
			d->mark[k].first_height = most;
	}
}

/* In the order in which they are told; the caller's to free. */
static struct mark **placed(struct drawing *d)
{
	struct mark **order = calloc(d->marks + 1, sizeof(*order));

	if (!order)
		abort();
	for (unsigned int i = 0; i < d->marks; i++)
		order[i] = &d->mark[i];
	qsort(order, d->marks, sizeof(*order), by_place);
	return order;
}

static void put_count(struct text *t, uint64_t n, const char *one, const char *many)
{
	text_print(t, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

static void put_sums(struct text *t, const struct edges_row *r)
{
	const struct edge_sums *s = &r->sums;
	char size[32];

	if (s->bytes)
		text_print(t, "%s, ", text_bytes(s->bytes, size, sizeof(size)));
	if (s->opened || !(s->denied + s->dropped + s->would_deny)) {
		put_count(t, s->opened, "flow", "flows");
		text_put(t, ", ");
	}
	if (s->handshakes)
		text_print(t, "%.2f ms, ", s->handshake_us / 1000.0 / s->handshakes);
	if (s->denied) {
		text_print(t, "%llu denied", (unsigned long long)s->denied);
		if (r->edge->author) {
			text_put(t, " by ");
			text_clean(t, r->edge->author);
		}
		text_put(t, ", ");
	}
	if (s->would_deny)
		text_print(t, "%llu would be denied, ", (unsigned long long)s->would_deny);
	if (s->dropped)
		text_print(t, "%llu dropped, ", (unsigned long long)s->dropped);
	t->n -= 2;
}

static void put_head(struct text *t, const struct drawing *d)
{
	const struct edges *e = &d->edges;
	char age[24];

	text_put(t, *e->node ? "node " : "cluster");
	text_clean(t, e->node);
	text_print(t, ", sums of %s: ", text_age(edges_span(e, &how), age, sizeof(age)));
	put_count(t, d->marks, "workload", "workloads");
	text_put(t, ", ");
	put_count(t, d->rows, "edge", "edges");
	if (d->hidden)
		text_print(t, " (%u more not shown: --limit)", d->hidden);
	if (e->left_out)
		text_print(t, ", %llu that had no room", (unsigned long long)e->left_out);
	text_print(t, ", %llu events lost\n", (unsigned long long)e->lost);
}

static void put_edge(struct text *t, const struct edges_row *r, const struct mark *from, const struct mark *to, size_t wide)
{
	bool cut = r->sums.denied || r->sums.dropped;
	size_t began = t->n;
	char port[32];

	text_put(t, cut ? "  --x " : "  --> ");
	text_clean(t, same_namespace(from, to) ? bare(to) : to->name);
	text_print(t, " %s", edges_port_text(r, port));
	text_pad(t, ' ', wide > t->n - began ? wide - (t->n - began) : 0);
	text_put(t, "  ");
	if (cut && want.colour)
		text_put(t, RED);
	put_sums(t, r);
	if (cut && want.colour)
		text_put(t, PLAIN);
	text_put(t, "\n");
}

static void put_text(struct text *t, struct drawing *d, struct mark **order)
{
	size_t left = 0, right = 0;

	put_head(t, d);
	for (unsigned int i = 0; i < d->marks; i++)
		left = strlen(bare(order[i])) > left ? strlen(bare(order[i])) : left;
	for (unsigned int i = 0; i < d->rows; i++) {
		char port[32];
		size_t n = strlen(d->row[i].edge->destination) + strlen(edges_port_text(&d->row[i], port)) + 7;

		right = n > right ? n : right;
	}
	left = left < 40 ? left : 40;
	right = right < 60 ? right : 60;
	for (unsigned int i = 0; i < d->marks; i++) {
		const struct mark *m = order[i];
		unsigned int first, n = rows_of(d, m->name, &first);
		size_t began;

		if (!i || !same_namespace(m, order[i - 1])) {
			text_put(t, "\n");
			if (m->ns)
				text_print(t, "%.*s\n", (int)m->ns, m->name);
			else
				text_put(t, "(outside)\n");
		}
		for (unsigned int k = 0; k < n || !k; k++) {
			began = t->n;
			text_put(t, "  ");
			if (!k)
				text_clean(t, bare(m));
			if (!n) {
				text_put(t, "\n");
				break;
			}
			text_pad(t, ' ', left + 2 > t->n - began ? left + 2 - (t->n - began) : 0);
			put_edge(t, &d->row[first + k], m, mark_of(d, d->row[first + k].edge->destination), right);
		}
	}
}

/* Within quotes, for dot ("\"") and for mermaid ("#quot;"). */
static void put_quoted(struct text *t, const char *words, const char *quote)
{
	struct text clean = { 0 };

	text_clean(&clean, words);
	for (size_t i = 0; i < clean.n; i++)
		if (clean.data[i] == '"' || clean.data[i] == '\\')
			text_put(t, clean.data[i] == '"' ? quote : "/");
		else
			text_add(t, &clean.data[i], 1);
	text_free(&clean);
}

static unsigned int number(const struct drawing *d, const struct mark *m) { return m - d->mark; }

static void put_dot(struct text *t, struct drawing *d, struct mark **order)
{
	char port[32];

	text_put(t, "digraph weir {\n\trankdir=LR; node [shape=box, style=rounded, fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\", fontsize=10];\n");
	for (unsigned int i = 0; i < d->marks; i++) {
		const struct mark *m = order[i];
		bool first = !i || !same_namespace(m, order[i - 1]), last = i + 1 == d->marks || !same_namespace(m, order[i + 1]);

		if (first && m->ns)
			text_print(t, "\tsubgraph cluster_%u { label=\"%.*s\";\n", i, (int)m->ns, m->name);
		text_print(t, "\t\tn%u [label=\"", number(d, m));
		put_quoted(t, bare(m), "'");
		text_put(t, "\"];\n");
		if (last && m->ns)
			text_put(t, "\t}\n");
	}
	for (unsigned int i = 0; i < d->rows; i++) {
		const struct edges_row *r = &d->row[i];
		struct text sums = { 0 };

		put_sums(&sums, r);
		text_char(&sums, '\0');
		text_print(t, "\tn%u -> n%u [label=\"%s\\n", number(d, mark_of(d, r->edge->source)), number(d, mark_of(d, r->edge->destination)),
			   edges_port_text(r, port));
		put_quoted(t, sums.data, "'");
		text_print(t, "\"%s];\n", r->sums.denied || r->sums.dropped ? ", color=red, fontcolor=red, style=dashed" : "");
		text_free(&sums);
	}
	text_put(t, "}\n");
}

static void put_mermaid(struct text *t, struct drawing *d, struct mark **order)
{
	char port[32];

	text_put(t, "flowchart LR\n");
	for (unsigned int i = 0; i < d->marks; i++) {
		const struct mark *m = order[i];
		bool first = !i || !same_namespace(m, order[i - 1]), last = i + 1 == d->marks || !same_namespace(m, order[i + 1]);

		if (first && m->ns)
			text_print(t, "    subgraph s%u [\"%.*s\"]\n", i, (int)m->ns, m->name);
		text_print(t, "        n%u[\"", number(d, m));
		put_quoted(t, bare(m), "#quot;");
		text_put(t, "\"]\n");
		if (last && m->ns)
			text_put(t, "    end\n");
	}
	for (unsigned int i = 0; i < d->rows; i++) {
		const struct edges_row *r = &d->row[i];
		struct text sums = { 0 };

		put_sums(&sums, r);
		text_char(&sums, '\0');
		text_print(t, "    n%u %s|\"%s, ", number(d, mark_of(d, r->edge->source)), r->sums.denied || r->sums.dropped ? "-.-x" : "-->",
			   edges_port_text(r, port));
		put_quoted(t, sums.data, "#quot;");
		text_print(t, "\"| n%u\n", number(d, mark_of(d, r->edge->destination)));
		text_free(&sums);
	}
}

static void print_json(struct drawing *d, struct mark **order)
{
	struct json_out j;

	json_begin(&j, stdout, false);
	json_object(&j, NULL);
	json_text(&j, "node", d->edges.node);
	json_uint(&j, "interval_ms", edges_span(&d->edges, &how));
	json_uint(&j, "lost", d->edges.lost);
	json_uint(&j, "not_shown", d->hidden + d->edges.left_out);
	json_array(&j, "workloads");
	for (unsigned int i = 0; i < d->marks; i++) {
		char ns[256];

		snprintf(ns, sizeof(ns), "%.*s", (int)order[i]->ns, order[i]->name);
		json_object(&j, NULL);
		json_text(&j, "id", order[i]->name);
		json_text(&j, "namespace", ns);
		json_text(&j, "name", bare(order[i]));
		json_uint(&j, "height", order[i]->height - 1);
		json_end(&j);
	}
	json_end(&j);
	json_array(&j, "edges");
	for (unsigned int i = 0; i < d->rows; i++)
		edges_row_json(&j, &d->row[i]);
	json_end(&j);
	json_end(&j);
	json_done(&j);
}

static int show(struct drawing *d)
{
	unsigned int all, there;
	struct mark **order;
	struct text t = { 0 };

	how.by = denied_only ? EDGES_DENIALS : EDGES_BYTES;
	all = edges_rows(&d->edges, &how, d->row, ROWS_MOST, &there);
	d->rows = all < limit ? all : limit;
	d->hidden = there - d->rows;
	place_marks(d);
	order = placed(d);
	if (!strcmp(output, "json"))
		print_json(d, order);
	else if (!strcmp(output, "dot"))
		put_dot(&t, d, order);
	else if (!strcmp(output, "mermaid"))
		put_mermaid(&t, d, order);
	else
		put_text(&t, d, order);
	fwrite(t.data, 1, t.n, stdout);
	d->shown = d->rows > 0;
	text_free(&t);
	free(order);
	free(d->mark);
	return fflush(stdout) ? VERB_FAILED : VERB_OK;
}

static int on_edges(void *ctx, const uint8_t *data, size_t size)
{
	struct drawing *d = ctx;
	const Weir__V1__EdgesReply *r = reuse_unpack(&d->room, &weir__v1__edges_reply__descriptor, data, size);

	return r && edges_take(&d->edges, r) ? show(d) : VERB_GO;
}

int map_main(int argc, char **argv)
{
	static struct drawing d;
	Weir__V1__EdgesRequest ask = WEIR__V1__EDGES_REQUEST__INIT;
	struct connect_stream stream = {
		.path = "/weir.v1.Agent/Edges", .other = "/weir.v1.Relay/Edges",
		.lacks = "tells no sums of edges: it is neither weir-agent nor weir-relay", .ask = &ask.base, .message = on_edges, .ctx = &d,
	};
	struct verb_words words;
	struct connect *c;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	if (!limit || limit > ROWS_MOST)
		return verb_fail(VERB_USAGE, "a limit is 1 to %u", ROWS_MOST);
	ask.interval_ms = 1000;
	reuse_begin(&d.room);
	code = connect_open(&c);
	if (code == VERB_GO) {
		code = connect_stream(c, &stream);
		connect_close(c);
	}
	reuse_end(&d.room);
	edges_free(&d.edges);
	if (code != VERB_GO && code != VERB_OK)
		return code;
	return d.shown ? VERB_OK : VERB_NO;
}
