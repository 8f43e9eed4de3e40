// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/map_inside.h"

static uint32_t hash_on(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x01000193u;
	return (h ^ '/') * 0x01000193u;
}

uint32_t map_hash(const char *ns, const char *workload)
{
	uint32_t h = hash_on(0x811c9dc5u, ns);

	return workload ? hash_on(h, workload) : h;
}

/* Room for one more element; doubles. */
static int grow(void *array, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;
	void *p;

	if (n < *room)
		return 0;
	p = realloc(*(void **)array, more * size);
	if (!p)
		return -ENOMEM;
	memset((char *)p + n * size, 0, (more - n) * size);
	*(void **)array = p;
	*room = more;
	return 0;
}

int map_new(struct map **out, uint64_t window_ms, unsigned int points)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->window_ms = window_ms ?: 1;
	m->points = points < MAP_POINTS ? points : MAP_POINTS;
	m->nspace = 1;
	m->nbucket = 4096;
	m->bucket = calloc(m->nbucket, sizeof(*m->bucket));
	if (!m->bucket || grow(&m->space, 1, &m->spaces_room, sizeof(*m->space))) {
		map_free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->nend; i++)
		free(m->end[i]);
	free(m->end);
	free(m->bucket);
	free(m->space);
	free(m->line);
	free(m->line_of);
	free(m->spark);
	free(m->mark);
	free(m->merged);
	free(m);
}

static uint8_t kind_of(const struct edge_end *e)
{
	if (*e->ns)
		return MAP_WORKLOAD;
	if (!strcasecmp(e->kind, "node"))
		return MAP_NODE;
	return !strcmp(e->workload, "other") ? MAP_OTHER : MAP_OUT;
}

static uint32_t space_of(struct map *m, const char *ns, uint32_t end)
{
	for (uint32_t i = 1; i < m->nspace; i++)
		if (!strcmp(m->space[i].name, ns))
			return i;
	if (grow(&m->space, m->nspace, &m->spaces_room, sizeof(*m->space)))
		return 0;
	m->space[m->nspace] = (struct map_space){ .name = m->end[end]->ns, .first = end };
	return m->nspace++;
}

static int end_make(struct map *m, const struct edge_end *e, uint32_t hash)
{
	size_t ns = strlen(e->ns) + 1, name = strlen(e->workload) + 1, kind = strlen(e->kind) + 1;
	struct map_end *x = calloc(1, sizeof(*x) + ns + name + kind);
	uint32_t room = m->ends_room;

	if (!x || grow(&m->end, m->nend, &m->ends_room, sizeof(*m->end))) {
		free(x);
		return -ENOMEM;
	}
	if (room != m->ends_room) {
		void *more = realloc(m->spark, m->ends_room * sizeof(*m->spark));

		if (!more) {
			m->ends_room = room;
			free(x);
			return -ENOMEM;
		}
		m->spark = more;
		memset(m->spark + room, 0, (m->ends_room - room) * sizeof(*m->spark));
	}
	x->ns = memcpy((char *)(x + 1), e->ns, ns);
	x->name = memcpy(x->ns + ns, e->workload, name);
	x->kind = memcpy(x->name + name, e->kind, kind);
	x->hash = hash;
	x->map_kind = kind_of(e);
	x->next = m->bucket[hash & (m->nbucket - 1)];
	m->bucket[hash & (m->nbucket - 1)] = x;
	m->end[m->nend] = x;
	x->number = m->nend++;
	x->mark = MAP_NO_MARK;
	if (x->map_kind == MAP_WORKLOAD) {
		x->space = space_of(m, x->ns, x->number);
		m->space[x->space].ends++;
	}
	return 0;
}

static struct map_end *end_find(const struct map *m, const struct edge_end *e, uint32_t *hash)
{
	*hash = hash_on(hash_on(0x811c9dc5u, e->ns), e->workload);
	for (struct map_end *x = m->bucket[*hash & (m->nbucket - 1)]; x; x = x->next)
		if (x->hash == *hash && !strcmp(x->name, e->workload) && !strcmp(x->ns, e->ns))
			return x;
	return NULL;
}

/* Its number, or -ENOMEM. */
static int64_t end_of(struct map *m, const struct edge_end *e)
{
	uint32_t hash;
	struct map_end *x = end_find(m, e, &hash);

	if (x)
		return x->number;
	return end_make(m, e, hash) ? -ENOMEM : (int64_t)m->nend - 1;
}

static uint32_t line_hash(uint32_t from, uint32_t to, uint16_t port, uint8_t proto)
{
	uint64_t h = ((uint64_t)from << 32 | to) * 0x9e3779b97f4a7c15ULL ^ ((uint32_t)port << 8 | proto) * 0xff51afd7ed558ccdULL;

	return h ^ h >> 29 ^ h >> 47;
}

static int more_lines(struct map *m)
{
	uint32_t n = m->nline_of ? m->nline_of * 2 : 1024, *table = calloc(n, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->nline; i++) {
		const struct map_line *l = &m->line[i];
		uint32_t at = line_hash(l->from, l->to, l->port, l->proto) & (n - 1);

		while (table[at])
			at = (at + 1) & (n - 1);
		table[at] = i + 1;
	}
	free(m->line_of);
	m->line_of = table;
	m->nline_of = n;
	return 0;
}

static struct map_line *line_find(const struct map *m, uint32_t from, uint32_t to, uint16_t port, uint8_t proto, uint32_t *at)
{
	*at = line_hash(from, to, port, proto) & (m->nline_of - 1);
	for (; m->line_of[*at]; *at = (*at + 1) & (m->nline_of - 1)) {
		struct map_line *l = &m->line[m->line_of[*at] - 1];

		if (l->from == from && l->to == to && l->port == port && l->proto == proto)
			return l;
	}
	return NULL;
}

static struct map_line *line_of(struct map *m, uint32_t from, uint32_t to, uint16_t port, uint8_t proto)
{
	struct map_line *l;
	uint32_t at;

	if (m->nline * 2 >= m->nline_of && more_lines(m))
		return NULL;
	l = line_find(m, from, to, port, proto, &at);
	if (l)
		return l;
	if (grow(&m->line, m->nline, &m->lines_room, sizeof(*m->line)))
		return NULL;
	m->line_of[at] = m->nline + 1;
	l = &m->line[m->nline++];
	*l = (struct map_line){ .from = from, .to = to, .port = port, .proto = proto };
	return l;
}

int map_add(struct map *m, const struct past_edge *e, unsigned int point)
{
	int64_t from = end_of(m, &e->source), to = from < 0 ? from : end_of(m, &e->destination);
	uint64_t flows = e->sum[PAST_OPENED], denies = e->sum[PAST_DENIED];
	struct map_line *l = to < 0 ? NULL : line_of(m, from, to, e->port, e->proto);

	if (!l)
		return -ENOMEM;
	for (unsigned int i = 0; i < PAST_SUMS; i++)
		l->sum[i] += e->sum[i];
	for (int i = 0; i < 2; i++) {
		struct map_end *x = m->end[i ? to : from];

		x->rate += flows;
		x->denies += denies;
		x->calls |= !i && flows;
		x->called |= i && flows;
		if (x->space) {
			m->space[x->space].rate += flows;
			m->space[x->space].denies += denies;
		}
	}
	if (point < m->points)
		m->spark[to][point] += flows;
	return 0;
}

void map_point(struct map *m, const struct past_edge *e, unsigned int point)
{
	uint32_t hash;
	const struct map_end *to = end_find(m, &e->destination, &hash);

	if (to && point < m->points)
		m->spark[to->number][point] += e->sum[PAST_OPENED];
}

void map_denied(struct map *m, const struct past_edge *e, bool egress, const uint8_t *decision, size_t size)
{
	uint32_t hash, at;
	struct map_end *from = end_find(m, &e->source, &hash), *to = end_find(m, &e->destination, &hash);
	struct map_line *l = from && to && m->nline_of ? line_find(m, from->number, to->number, e->port, e->proto, &at) : NULL;

	if (!l)
		return;
	l->egress = egress;
	l->decision = decision;
	l->decision_size = size;
}

void map_count(const struct map *m, struct map_counts *out)
{
	*out = m->counts;
}
