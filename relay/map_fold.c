// SPDX-License-Identifier: Apache-2.0
/* What is shown: which namespaces are open, which names stand alone, which lines are drawn. */
#include <stdlib.h>
#include <string.h>

#include "relay/map_inside.h"

struct folding {
	struct map *m;
	unsigned int most, left;	/* marks that may be, and still may be */
	bool focused;
};

static bool hidden(const struct folding *f, const struct map_end *x)
{
	return f->focused && !x->kept;
}

/* The focus and whoever it speaks with. */
static void focus(struct folding *f, const char *name)
{
	struct map *m = f->m;
	const char *slash = strchr(name, '/');
	uint32_t n = m->nend;

	for (uint32_t i = 0; i < m->nend; i++) {
		const struct map_end *x = m->end[i];

		if (slash ? !strncmp(x->ns, name, slash - name) && !x->ns[slash - name] && !strcmp(x->name, slash + 1) :
			    !*x->ns && !strcmp(x->name, name))
			n = i;
	}
	if (n == m->nend)
		return;
	f->focused = true;
	m->end[n]->kept = true;
	m->space[m->end[n]->space].wanted = true;
	m->space[m->end[n]->space].shut = false;
	for (uint32_t i = 0; i < m->nline; i++) {
		const struct map_line *l = &m->line[i];

		if (l->from == n || l->to == n)
			m->end[l->from]->kept = m->end[l->to]->kept = true;
	}
}

static int by_interest(uint64_t xd, uint64_t yd, uint64_t xr, uint64_t yr)
{
	if (!xd != !yd)
		return xd ? -1 : 1;
	return xd != yd ? (xd > yd ? -1 : 1) : xr != yr ? (xr > yr ? -1 : 1) : 0;
}

/* Only about how much, and more for who is shown already (by half doublings): a picture does not change with each count. */
static unsigned int about(uint64_t n, unsigned int more)
{
	return n ? 2 * (64 - __builtin_clzll(n)) + more : 0;
}

static unsigned int seen_space(const struct map_space *s)
{
	return s->shown * 4;
}

static bool named(const char *name, const char *const *list)
{
	while (list && *list && strcmp(*list, name))
		list++;
	return list && *list;
}

static bool among(uint32_t hash, const struct map_want *want)
{
	for (unsigned int i = 0; i < want->nkeep; i++)
		if (want->keep[i] == hash)
			return true;
	return false;
}

static void note_shown(struct map *m, const struct map_want *want)
{
	for (uint32_t i = 1; i < m->nspace; i++)
		m->space[i].shown = among(map_hash(m->space[i].name, NULL), want);
	for (uint32_t i = 0; i < m->nend; i++) {
		m->end[i]->shown = among(m->end[i]->hash, want);
		if (m->end[i]->shown && m->end[i]->space)
			m->space[m->end[i]->space].shown = 2;
	}
}

static int by_space(const void *a, const void *b, void *ctx)
{
	const struct map *m = ctx;
	const struct map_space *x = &m->space[*(const uint32_t *)a], *y = &m->space[*(const uint32_t *)b];
	int c;

	if (x->wanted != y->wanted)
		return x->wanted ? -1 : 1;
	c = by_interest(about(x->denies, seen_space(x)), about(y->denies, seen_space(y)), about(x->rate, seen_space(x)),
			about(y->rate, seen_space(y)));
	return c ? c : strcmp(x->name, y->name);
}

static int by_end(const void *a, const void *b, void *ctx)
{
	const struct map *m = ctx;
	const struct map_end *x = m->end[*(const uint32_t *)a], *y = m->end[*(const uint32_t *)b];
	int c = by_interest(about(x->denies, 4 * x->shown), about(y->denies, 4 * y->shown), about(x->rate, 4 * x->shown),
			    about(y->rate, 4 * y->shown));

	c = c ? c : strcmp(x->ns, y->ns);
	return c ? c : strcmp(x->name, y->name);
}

static uint32_t mark_new(struct map *m, uint32_t end)
{
	struct map_mark *k = &m->mark[m->nmark];

	*k = (struct map_mark){ .end = end };
	return m->nmark++;
}

static void show(struct map *m, uint32_t end, uint32_t mark)
{
	struct map_end *x = m->end[end];
	struct map_mark *k = &m->mark[mark];

	x->mark = mark;
	k->count++;
	k->denies += x->denies;
	k->calls |= x->calls;
	k->called |= x->called;
	for (unsigned int i = 0; i < m->points; i++)
		k->spark[i] += m->spark[end][i];
}

/* Names outside and nodes: the first of the list alone, the rest as one. */
static void place_names(struct folding *f, uint32_t *list, uint32_t n, unsigned int alone)
{
	struct map *m = f->m;
	uint32_t rest = MAP_NO_MARK;

	qsort_r(list, n, sizeof(*list), by_end, m);
	for (uint32_t i = 0; i < n; i++) {
		bool single = (i < alone || m->end[list[i]]->denies) && f->left > 1;

		if (!single && rest == MAP_NO_MARK) {
			rest = mark_new(m, list[i]);
			m->mark[rest].rest = true;
			f->left -= f->left > 0;
		}
		f->left -= single;
		show(m, list[i], single ? mark_new(m, list[i]) : rest);
	}
	if (rest != MAP_NO_MARK && m->mark[rest].count == 1)
		m->mark[rest].rest = false;
}

static void place_outside(struct folding *f, uint32_t *list)
{
	struct map *m = f->m;

	for (int kind = MAP_OUT; kind <= MAP_OTHER; kind++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < m->nend; i++)
			if (m->end[i]->map_kind == kind && !hidden(f, m->end[i]))
				list[n++] = i;
		place_names(f, list, n, MAP_OUTSIDE);
	}
}

static uint32_t shown_in(const struct folding *f, uint32_t space)
{
	uint32_t n = 0;

	if (!f->focused)
		return f->m->space[space].ends;
	for (uint32_t i = 0; i < f->m->nend; i++)
		n += f->m->end[i]->space == space && f->m->end[i]->kept;
	return n;
}

/* Marks that are not for folded namespaces: what is wanted open has room, and there is some for who is denied. */
static uint32_t reserve(const struct folding *f, const uint32_t *list, uint32_t n)
{
	uint32_t need = 0;

	for (uint32_t i = 0; i < n && f->m->space[list[i]].wanted; i++)
		need += shown_in(f, list[i]);
	if (need > f->left * 3 / 4)
		need = f->left * 3 / 4;
	return need > f->left / 3 ? need : f->left / 3;
}

/* Every namespace one mark to begin with, as far as that goes; then they are opened while there is room.  How many may be folded
 * each by itself. */
static uint32_t open_spaces(struct folding *f, uint32_t *list)
{
	struct map *m = f->m;
	uint32_t n = 0, folded, most;

	for (uint32_t i = 1; i < m->nspace; i++)
		if (shown_in(f, i))
			list[n++] = i;
	qsort_r(list, n, sizeof(*list), by_space, m);
	most = f->left - reserve(f, list, n);
	folded = n < most ? n : most;
	f->left -= folded;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t more = shown_in(f, list[i]) - 1;

		struct map_space *s = &m->space[list[i]];

		s->open = i < folded && more <= f->left && !s->shut;
		s->alone = s->open || s->shut ? 0 : i < folded && (s->wanted || s->denies || n == 1) ? f->left / (n == 1 ? 1 : 2) : 0;
		f->left -= s->open ? more : s->alone;
	}
	m->counts.namespaces = m->nspace - 1;
	return folded;
}

/* Of a namespace that is too large to be opened: those that somebody denied or that most speak with. */
static void place_few(struct folding *f, uint32_t space)
{
	struct map *m = f->m;
	uint32_t *list = malloc((m->space[space].ends + 1) * sizeof(*list)), n = 0;

	for (uint32_t i = 0; list && i < m->nend; i++)
		if (m->end[i]->space == space && !hidden(f, m->end[i]))
			list[n++] = i;
	if (n)
		qsort_r(list, n, sizeof(*list), by_end, m);
	for (uint32_t i = 0; i < n && i < m->space[space].alone; i++)
		show(m, list[i], mark_new(m, list[i]));
	free(list);
}

/* A namespace that found no mark of its own goes to one that stands for all of those. */
static void place_spaces(struct folding *f, const uint32_t *order, uint32_t n, uint32_t room)
{
	struct map *m = f->m;
	uint32_t *mark_of = calloc(m->nspace, sizeof(*mark_of)), rest = MAP_NO_MARK;

	for (uint32_t i = 0; mark_of && i < n; i++) {
		uint32_t k;

		if (m->space[order[i]].open)
			continue;
		if (i + 1 >= room && n > room) {
			if (rest == MAP_NO_MARK) {
				rest = mark_new(m, m->space[order[i]].first);
				m->mark[rest].folded = m->mark[rest].rest = true;
			}
			k = rest;
		} else {
			k = mark_new(m, m->space[order[i]].first);
			m->mark[k].folded = true;
			m->mark[k].space = order[i];
		}
		mark_of[order[i]] = k + 1;
	}
	for (uint32_t i = 0; mark_of && i < n; i++)
		if (m->space[order[i]].alone)
			place_few(f, order[i]);
	for (uint32_t i = 0; mark_of && i < m->nend; i++) {
		const struct map_end *x = m->end[i];

		if (!x->space || hidden(f, x) || x->mark != MAP_NO_MARK)
			continue;
		if (m->space[x->space].open)
			show(m, i, mark_new(m, i));
		else if (mark_of[x->space])
			show(m, i, mark_of[x->space] - 1);
	}
	free(mark_of);
}

static int by_pair(const void *a, const void *b)
{
	const struct map_line *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->proto != y->proto ? x->proto - y->proto : x->port - y->port;
}

static int by_weight(const void *a, const void *b)
{
	const struct map_line *x = a, *y = b;
	int c = by_interest(x->sum[PAST_DENIED] + x->sum[PAST_WOULD_DENY], y->sum[PAST_DENIED] + y->sum[PAST_WOULD_DENY],
			    x->sum[PAST_OPENED], y->sum[PAST_OPENED]);

	return c ? c : by_pair(a, b);
}

static void merge_lines(struct map *m)
{
	struct map_line *v = malloc((m->nline + 1) * sizeof(*v));
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; v && i < m->nline; i++) {
		const struct map_line *l = &m->line[i];
		uint32_t from = m->end[l->from]->mark, to = m->end[l->to]->mark;

		if (from == MAP_NO_MARK || to == MAP_NO_MARK || (from == to && m->mark[from].count > 1)) {
			m->counts.folded_lines++;
			continue;
		}
		v[n] = *l;
		v[n].from = from;
		v[n++].to = to;
	}
	if (n)
		qsort(v, n, sizeof(*v), by_pair);
	for (uint32_t i = 0; i < n; i++) {
		if (!k || by_pair(&v[k - 1], &v[i])) {
			v[k++] = v[i];
			continue;
		}
		for (unsigned int j = 0; j < PAST_SUMS; j++)
			v[k - 1].sum[j] += v[i].sum[j];
		if (v[i].decision) {
			v[k - 1].decision = v[i].decision;
			v[k - 1].decision_size = v[i].decision_size;
			v[k - 1].egress = v[i].egress;
		}
	}
	if (k)
		qsort(v, k, sizeof(*v), by_weight);
	m->merged = v;
	m->nmerged = k < MAP_LINES ? k : MAP_LINES;
	m->counts.folded_lines += k - m->nmerged;
	m->counts.lines = m->nmerged;
}

/* From left to right: who calls from outside, what they reach first, services, what only answers, who is called outside. */
static void choose_layers(struct map *m)
{
	for (uint32_t i = 0; i < m->nmerged; i++) {
		const struct map_line *l = &m->merged[i];

		if (!m->end[m->mark[l->from].end]->space && l->sum[PAST_OPENED])
			m->mark[l->to].from_outside = true;
	}
	for (uint32_t i = 0; i < m->nmark; i++) {
		struct map_mark *k = &m->mark[i];

		if (!m->end[k->end]->space)
			k->layer = k->calls || !k->called ? 0 : 4;
		else
			k->layer = k->from_outside ? 1 : k->called && !k->calls ? 3 : 2;
	}
}

void map_fold(struct map *m, const struct map_want *want)
{
	struct folding f = { .m = m, .most = want->most && want->most < MAP_MOST ? want->most : MAP_MOST };
	uint32_t room = m->nend > m->nspace ? m->nend : m->nspace, n = 0, spaces;
	uint32_t *list = malloc((room + 1) * sizeof(*list));

	free(m->mark);
	free(m->merged);
	m->merged = NULL;
	m->nmark = m->nmerged = 0;
	m->counts = (struct map_counts){ .workloads = m->nend };
	m->mark = list ? calloc(MAP_MOST + 8, sizeof(*m->mark)) : NULL;
	if (!m->mark) {
		free(list);
		return;
	}
	for (uint32_t i = 1; i < m->nspace; i++) {
		m->space[i].wanted = named(m->space[i].name, want->expand);
		m->space[i].shut = !m->space[i].wanted && named(m->space[i].name, want->fold);
	}
	for (uint32_t i = 0; i < m->nend; i++) {
		m->end[i]->mark = MAP_NO_MARK;
		m->end[i]->kept = false;
	}
	note_shown(m, want);
	if (want->focus && *want->focus)
		focus(&f, want->focus);
	f.left = f.most > 8 ? f.most / 4 : 1;		/* of which outside may take a quarter */
	place_outside(&f, list);
	f.left = f.most > m->nmark ? f.most - m->nmark : 1;
	spaces = open_spaces(&f, list);
	for (uint32_t i = 1; i < m->nspace; i++)
		if (shown_in(&f, i))
			list[n++] = i;
	qsort_r(list, n, sizeof(*list), by_space, m);
	place_spaces(&f, list, n, spaces);
	merge_lines(m);
	choose_layers(m);
	m->counts.marks = m->nmark;
	for (uint32_t i = 0; i < m->nmark; i++)
		m->counts.folded_marks += m->mark[i].count - 1;
	free(list);
}
