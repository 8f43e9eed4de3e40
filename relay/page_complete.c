// SPDX-License-Identifier: Apache-2.0
/* What may stand where somebody types: options and words from their table, names from what the relay has seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/select/complete.h"
#include "relay/page_inside.h"
#include "relay/peers.h"
#include "relay/question.h"
#include "weir/v1/flow.pb-c.h"

#define OFFERS 20
#define OFFER_MOST 700			/* bytes of one */

struct offer {
	char text[OFFER_MOST];
	const char *value, *help;	/* the table's */
};

struct completing {
	struct page_answer answer;
	struct select_typing t;
	struct offer offer[OFFERS];
	unsigned int n;
	bool more;			/* than are told */
};

static void on_offer(void *ctx, const char *text, const char *value, const char *help)
{
	struct completing *c = ctx;

	for (unsigned int i = 0; i < c->n; i++)
		if (!strcmp(c->offer[i].text, text))
			return;
	if (c->n == OFFERS) {
		c->more = true;
		return;
	}
	snprintf(c->offer[c->n].text, OFFER_MOST, "%s", text);
	c->offer[c->n].value = value;
	c->offer[c->n++].help = help;
}

/* -- names: gRPC's thread -- */

/* Sorted, each once, the first OFFERS of those that fit. */
static void on_name(struct completing *c, const char *name)
{
	bool plain = !strpbrk(name, " \t'\"\\");
	char text[OFFER_MOST];
	unsigned int at = 0;
	int order = 1;

	if (!*name || strncmp(name, c->t.word, strlen(c->t.word)) || strchr(name, '\''))
		return;
	if (snprintf(text, sizeof(text), "%s%s%s%s", c->t.lead, plain ? "" : "'", name, plain ? "" : "'") >= (int)sizeof(text))
		return;
	while (at < c->n && (order = strcmp(c->offer[at].text, text)) < 0)
		at++;
	if (at < c->n && !order)
		return;
	c->more |= c->n == OFFERS;
	if (at == OFFERS)
		return;
	c->n -= c->n == OFFERS;
	memmove(&c->offer[at + 1], &c->offer[at], (c->n - at) * sizeof(c->offer[0]));
	strcpy(c->offer[at].text, text);
	c->offer[at].value = NULL;
	c->offer[at].help = c->t.option->text;
	c->n++;
}

static void on_end(struct completing *c, const struct edge_end *e)
{
	char name[OFFER_MOST];

	switch (c->t.kind) {
	case SELECT_NAMESPACES:
		on_name(c, e->ns);
		break;
	case SELECT_PODS:
		if (*e->ns && snprintf(name, sizeof(name), "%s/%s", e->ns, e->workload) < (int)sizeof(name))
			on_name(c, name);
		break;
	case SELECT_WORKLOADS:
		on_name(c, e->workload);
		break;
	default:
		break;
	}
}

/* Whoever denied last: of others the relay knows nothing without asking all nodes. */
static void on_author(struct completing *c, const struct edge *e)
{
	Weir__V1__Decision *d = e->author ? weir__v1__decision__unpack(NULL, e->author_size, e->author) : NULL;
	char name[OFFER_MOST];

	if (d && *d->policy && snprintf(name, sizeof(name), "%s%s%s", d->namespace_, *d->namespace_ ? "/" : "", d->policy) < (int)sizeof(name))
		on_name(c, name);
	weir__v1__decision__free_unpacked(d, NULL);
}

static void offer_edges(struct completing *c)
{
	const struct edges *edges = c->answer.page->relay->edges;
	char port[16];

	for (unsigned int i = 0, n = edges_end(edges); i < n; i++) {
		const struct edge *e = i == EDGES_OTHER ? NULL : edges_at(edges, i);

		if (!e)
			continue;
		snprintf(port, sizeof(port), "%u", e->port);
		if (c->t.kind == SELECT_PORTS && e->port)
			on_name(c, port);
		if (c->t.kind == SELECT_POLICIES)
			on_author(c, e);
		on_end(c, &e->source);
		on_end(c, &e->destination);
	}
}

static void offer_nodes(struct completing *c)
{
	for (const struct peer *p = peers_first(c->answer.page->relay->peers); p; p = p->next)
		on_name(c, p->name);
}

static void write_down(struct completing *c)
{
	FILE *to = open_memstream(&c->answer.body, &c->answer.size);
	struct json_out j;

	if (!to)
		return;
	json_begin(&j, to, false);
	json_object(&j, NULL);
	json_text(&j, "typed", c->t.raw);
	json_array(&j, "words");
	for (unsigned int i = 0; i < c->n; i++) {
		json_object(&j, NULL);
		json_text(&j, "text", c->offer[i].text);
		if (c->offer[i].value)
			json_text(&j, "value", c->offer[i].value);
		json_text(&j, "help", c->offer[i].help);
		json_end(&j);
	}
	json_end(&j);
	json_bool(&j, "more", c->more);
	page_whole(c->answer.page, &j);
	json_end(&j);
	json_done(&j);
	fclose(to);
}

static void on_completed(void *ctx)
{
	struct completing *c = ctx;

	page_answer_send(&c->answer);
	free(c);
}

static void complete(void *ctx)
{
	struct completing *c = ctx;

	if (c->t.kind == SELECT_NODES)
		offer_nodes(c);
	else if (c->t.kind > SELECT_WORDS)
		offer_edges(c);
	write_down(c);
	if (loop_post(c->answer.page->relay->loop, on_completed, c)) {
		free(c->answer.body);
		free(c);
	}
}

/* -- the question: the main thread -- */

void page_complete(void *page, struct http_ask *ask)
{
	struct page *p = page;
	char q[QUESTION_MOST] = "";
	struct completing *c;

	if (http_query_value(ask, "q", q, sizeof(q)) == -ENOSPC) {
		page_refuse(ask, 400, "the filter is longer than %zu bytes", sizeof(q) - 1);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || p->asking >= PAGE_ASKING) {
		free(c);
		page_refuse(ask, 503, "%u answers are under way already: ask again in a moment", p->asking);
		return;
	}
	select_typing(q, &c->t);
	select_offer(&c->t, on_offer, c);
	page_later(&c->answer, p, ask);
	if (rpc_post(p->relay->rpc, complete, c))
		on_completed(c);
}
