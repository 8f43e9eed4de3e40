// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/edges.h"

static void *must(void *p)
{
	if (!p)
		abort();	/* a command that cannot hold its own table has nothing to say */
	return p;
}

static char *end_text(const Weir__V1__EdgeEnd *e)
{
	char *text;
	int n;

	if (!e || !*e->workload)
		n = asprintf(&text, "%s", e && *e->namespace_ ? e->namespace_ : "(not known)");
	else if (*e->namespace_)
		n = asprintf(&text, "%s/%s", e->namespace_, e->workload);
	else if (!strcmp(e->kind, "node"))
		n = asprintf(&text, "node %s", e->workload);
	else
		n = asprintf(&text, "%s", e->workload);
	return must(n < 0 ? NULL : text);
}

static uint32_t hash(const char *source, const char *destination, uint32_t proto, uint32_t port)
{
	uint32_t h = 2166136261u ^ proto << 16 ^ port;

	for (; *source; source++)
		h = (h ^ (unsigned char)*source) * 16777619u;
	h = (h ^ 0xff) * 16777619u;
	for (; *destination; destination++)
		h = (h ^ (unsigned char)*destination) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t *place_of(const struct edges *e, const char *source, const char *destination, uint32_t proto, uint32_t port)
{
	uint32_t at = hash(source, destination, proto, port);

	for (;; at++) {
		uint32_t *p = &e->place[at & (e->places - 1)];
		const struct edge *o = *p ? &e->edge[*p - 1] : NULL;

		if (!o || (o->proto == proto && o->port == port && !strcmp(o->source, source) && !strcmp(o->destination, destination)))
			return p;
	}
}

static void grow(struct edges *e)
{
	e->room = e->room ? e->room * 2 : 256;
	e->places = e->room * 2;
	e->edge = must(realloc(e->edge, e->room * sizeof(*e->edge)));
	free(e->place);
	e->place = must(calloc(e->places, sizeof(*e->place)));
	for (uint32_t i = 0; i < e->n; i++)
		*place_of(e, e->edge[i].source, e->edge[i].destination, e->edge[i].proto, e->edge[i].port) = i + 1;
}

/* NULL: no room for one more. */
static struct edge *edge_of(struct edges *e, const Weir__V1__Edge *from)
{
	char *source = end_text(from->source), *destination = end_text(from->destination);
	uint32_t *place;

	if (e->n == e->room && e->n < EDGES_MOST)
		grow(e);
	place = place_of(e, source, destination, from->protocol, from->port);
	if (*place || e->n == e->room) {
		free(source);
		free(destination);
		return *place ? &e->edge[*place - 1] : NULL;
	}
	e->edge[e->n] = (struct edge){ .source = source, .destination = destination, .proto = from->protocol, .port = from->port };
	*place = ++e->n;
	return &e->edge[e->n - 1];
}

/* "shop/a, shop/b", as observe names those who isolate a pod. */
static char *isolating_text(const Weir__V1__Decision *d)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = must(open_memstream(&text, &size));

	for (size_t i = 0; i < d->n_isolating; i++)
		fprintf(to, "%s%s", i ? ", " : "", d->isolating[i]);
	if (d->isolating_more)
		fprintf(to, " and %u more", d->isolating_more);
	fclose(to);
	return must(text);
}

static void note_author(struct edge *to, const Weir__V1__EdgesReply *r, uint32_t number)
{
	const Weir__V1__Decision *d = number && number <= r->n_author ? r->author[number - 1] : NULL;
	char rule[16] = "";

	if (!d)
		return;
	free(to->author);
	to->author = *d->policy || !d->n_isolating ? NULL : isolating_text(d);
	if (to->author)
		return;
	if (d->rule)
		snprintf(rule, sizeof(rule), "#%u", d->rule);
	if (asprintf(&to->author, "%s%s%s%s", d->namespace_, *d->namespace_ ? "/" : "", *d->policy ? d->policy : "(default deny)", rule) < 0)
		to->author = NULL;
}

static void take_edge(struct edges *e, const Weir__V1__EdgesReply *r, const Weir__V1__Edge *from)
{
	struct edge *to = edge_of(e, from);

	if (!to) {
		e->left_out++;
		return;
	}
	to->now = (struct edge_sums){
		.bytes = from->bytes + from->reply_bytes, .packets = from->packets + from->reply_packets, .opened = from->opened,
		.closed = from->closed, .denied = from->denied, .would_deny = from->would_deny, .dropped = from->dropped,
		.handshakes = from->handshakes, .handshake_us = from->handshake_us,
		.answers = from->answers, .answer_us = from->answer_us,
	};
	to->live = from->live;
	note_author(to, r, from->denied_rule);
}

static uint64_t ns_of(const Google__Protobuf__Timestamp *t)
{
	return t ? t->seconds * 1000000000ULL + t->nanos : 0;
}

bool edges_take(struct edges *e, const Weir__V1__EdgesReply *r)
{
	if (r->instance != e->instance) {
		edges_free(e);
		e->instance = r->instance;
	}
	if (!e->node)
		e->node = strdup(r->node);
	e->since = ns_of(r->since);
	e->at = ns_of(r->now);
	for (size_t i = 0; i < r->n_edge; i++)
		take_edge(e, r, r->edge[i]);
	if (r->n_lost)
		e->lost = 0;
	for (size_t i = 0; i < r->n_lost; i++)
		e->lost += r->lost[i]->events;
	return r->last;
}

void edges_turn(struct edges *e)
{
	if (e->middle && e->at - e->middle < EDGES_TURN_NS)
		return;
	for (uint32_t i = 0; i < e->n; i++) {
		e->edge[i].then = e->edge[i].middle;
		e->edge[i].middle = e->edge[i].now;
	}
	e->before = e->middle;		/* none at the first: sums since the start are told until there is something to compare */
	e->middle = e->at;
}

void edges_free(struct edges *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		free(e->edge[i].source);
		free(e->edge[i].destination);
		free(e->edge[i].author);
	}
	free(e->edge);
	free(e->place);
	free(e->node);
	memset(e, 0, sizeof(*e));
}

uint64_t edges_span(const struct edges *e, const struct edges_how *how)
{
	uint64_t from = how->totals || !e->before ? e->since : e->before;

	return e->at > from ? (e->at - from) / 1000000 : 0;
}

static struct edge_sums less(const struct edge_sums *a, const struct edge_sums *b)
{
	return (struct edge_sums){
		a->bytes - b->bytes, a->packets - b->packets, a->opened - b->opened, a->closed - b->closed, a->denied - b->denied,
		a->would_deny - b->would_deny, a->dropped - b->dropped, a->handshakes - b->handshakes, a->handshake_us - b->handshake_us,
		a->answers - b->answers, a->answer_us - b->answer_us,
	};
}

static void add(struct edge_sums *to, const struct edge_sums *s)
{
	to->bytes += s->bytes;
	to->packets += s->packets;
	to->opened += s->opened;
	to->closed += s->closed;
	to->denied += s->denied;
	to->would_deny += s->would_deny;
	to->dropped += s->dropped;
	to->handshakes += s->handshakes;
	to->handshake_us += s->handshake_us;
	to->answers += s->answers;
	to->answer_us += s->answer_us;
}

static uint64_t weight(const struct edges_row *r, enum edges_by by)
{
	switch (by) {
	case EDGES_FLOWS:
		return r->sums.opened * 1000000 + r->live;
	case EDGES_DENIALS:
		return r->sums.denied + r->sums.would_deny + r->sums.dropped;
	default:
		return r->sums.bytes;
	}
}

static bool says(const struct edges_row *r)
{
	static const struct edge_sums nothing;

	return r->live || memcmp(&r->sums, &nothing, sizeof(nothing));
}

static enum edges_by sorted_by;

static int compare(const void *a, const void *b)
{
	const struct edges_row *x = a, *y = b;
	uint64_t p = weight(x, sorted_by), q = weight(y, sorted_by);

	if (p != q)
		return p < q ? 1 : -1;
	p = x->edge->now.bytes;
	q = y->edge->now.bytes;
	return p != q ? (p < q ? 1 : -1) : strcmp(x->edge->source, y->edge->source);
}

static bool in_namespace(const char *end, const char *ns)
{
	size_t n = strlen(ns);

	return !strncmp(end, ns, n) && end[n] == '/';
}

static int by_pair(const void *a, const void *b)
{
	const struct edges_row *x = a, *y = b;
	int order = strcmp(x->edge->source, y->edge->source);

	return order ? order : strcmp(x->edge->destination, y->edge->destination);
}

/* Rows of one pair become one; its names are those of the port that weighs most. */
static unsigned int join_pairs(struct edges_row *row, unsigned int n, enum edges_by by)
{
	unsigned int to = 0;

	qsort(row, n, sizeof(*row), by_pair);
	for (unsigned int i = 0; i < n; i++) {
		if (!i || by_pair(&row[to - 1], &row[i])) {
			row[to++] = row[i];
			continue;
		}
		if (weight(&row[i], by) > weight(&row[to - 1], by))
			row[to - 1].edge = row[i].edge;
		add(&row[to - 1].sums, &row[i].sums);
		row[to - 1].live += row[i].live;
		row[to - 1].ports = true;
	}
	return to;
}

unsigned int edges_rows(const struct edges *e, const struct edges_how *how, struct edges_row *row, unsigned int max,
			unsigned int *out_all)
{
	struct edges_row *all = must(calloc(e->n + 1, sizeof(*all)));
	unsigned int n = 0, told = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		const struct edge *o = &e->edge[i];

		if (how->ns && !in_namespace(o->source, how->ns) && !in_namespace(o->destination, how->ns))
			continue;
		all[n] = (struct edges_row){ .edge = o, .live = o->live };
		all[n].sums = how->totals || !e->before ? o->now : less(&o->now, &o->then);
		n += says(&all[n]);
	}
	if (how->pairs)
		n = join_pairs(all, n, how->by);
	sorted_by = how->by;
	if (n)
		qsort(all, n, sizeof(*all), compare);
	while (n && how->by == EDGES_DENIALS && !weight(&all[n - 1], how->by))
		n--;
	for (; told < n && told < max; told++)
		row[told] = all[told];
	free(all);
	*out_all = n;
	return told;
}
