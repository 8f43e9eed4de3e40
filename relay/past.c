// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/slab.h"
#include "relay/past.h"

#define STRETCHES 512			/* ten minutes of a page that looks every two seconds, and some 60 coarse ones */
#define NUMBERS_FIRST 256

/* One that some stretch names. */
struct known {
	uint32_t next;			/* of its bucket, or of the free ones */
	uint32_t hash;
	uint32_t named;			/* stretches that name it, and 'touched'; 0: free */
	uint16_t port;
	uint8_t proto;
	uint32_t size;			/* of 'text': six strings with their zeroes */
	char *text;			/* source's ns, workload, kind, destination's */
};

/* What happened from 'from' on for 'span': entries, each the distance to the next number and the sums, in sevens of bits. */
struct stretch {
	uint64_t from, span, lost;
	uint64_t all[PAST_SUMS];
	uint8_t *bytes;
	size_t size, room;
};

struct last {				/* what an edge of the relay had summed up when it was last looked at */
	uint32_t hash;			/* of whose they are */
	uint64_t sum[PAST_SUMS];
};

struct past {
	size_t budget, bytes;
	struct stretch stretch[STRETCHES];	/* a ring, the oldest first */
	unsigned int first, n;
	struct known *known;
	uint32_t *bucket, nbucket, nknown, room, free, live;
	struct slab texts;
	struct last *last;
	unsigned int nlast;
	uint64_t (*sums)[PAST_SUMS];	/* by number, while stretches are added up */
	uint8_t *touched;		/* in 'sums' there is something; names it */
	uint64_t lost, ticked;
	bool began;
	uint64_t dropped;
	struct past_mark mark[PAST_MARKS];
	unsigned int marks;
};

/* -- numbers -- */

static const enum edge_sum taken[PAST_SUMS] = {
	[PAST_OPENED] = EDGE_OPENED, [PAST_DENIED] = EDGE_DENIED, [PAST_WOULD_DENY] = EDGE_WOULD_DENY,
	[PAST_DROPPED] = EDGE_DROPPED, [PAST_BYTES] = EDGE_BYTES, [PAST_REPLY_BYTES] = EDGE_REPLY_BYTES,
	[PAST_HANDSHAKES] = EDGE_HANDSHAKES, [PAST_HANDSHAKE_US] = EDGE_HANDSHAKE_US,
};

static size_t text_of(const struct edge *e, char *buf, size_t size)
{
	const char *part[] = { e->source.ns, e->source.workload, e->source.kind, e->destination.ns, e->destination.workload,
			       e->destination.kind };
	size_t at = 0;

	for (unsigned int i = 0; i < 6; i++) {
		size_t n = strlen(part[i]) + 1;

		if (at + n > size)
			return 0;
		memcpy(buf + at, part[i], n);
		at += n;
	}
	return at;
}

static uint32_t hash_of(const struct edge *e, const char *text, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ ((uint64_t)e->port << 8 | e->proto);

	while (size--)
		h = (h ^ (unsigned char)*text++) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static bool is(const struct known *k, const struct edge *e, const char *text, size_t size)
{
	return k->named && k->port == e->port && k->proto == e->proto && k->size == size && !memcmp(k->text, text, size);
}

static int more_numbers(struct past *p)
{
	uint32_t room = p->room ? p->room * 2 : NUMBERS_FIRST;
	struct known *known = realloc(p->known, room * sizeof(*known));
	uint64_t (*sums)[PAST_SUMS];
	uint8_t *touched;
	uint32_t *bucket;

	if (!known)
		return -ENOMEM;
	p->known = known;
	sums = realloc(p->sums, room * sizeof(*sums));
	p->sums = sums ?: p->sums;
	touched = sums ? realloc(p->touched, room) : NULL;
	p->touched = touched ?: p->touched;
	bucket = touched ? calloc(room, sizeof(*bucket)) : NULL;
	if (!bucket)
		return -ENOMEM;
	memset(known + p->room, 0, (room - p->room) * sizeof(*known));
	memset(sums + p->room, 0, (room - p->room) * sizeof(*sums));
	memset(touched + p->room, 0, room - p->room);
	free(p->bucket);
	p->bucket = bucket;
	p->nbucket = room;
	for (uint32_t i = 1; i < p->nknown; i++) {
		if (!known[i].named)
			continue;
		known[i].next = bucket[known[i].hash & (room - 1)];
		bucket[known[i].hash & (room - 1)] = i;
	}
	p->room = room;
	return 0;
}

/* The edge's number, named once more; 0: no memory. */
static uint32_t number_of(struct past *p, const struct edge *e)
{
	char text[4096];
	size_t size = text_of(e, text, sizeof(text));
	uint32_t hash = hash_of(e, text, size), i;
	struct known *k;

	for (i = p->nbucket ? p->bucket[hash & (p->nbucket - 1)] : 0; i; i = p->known[i].next)
		if (is(&p->known[i], e, text, size)) {
			p->known[i].named++;
			return i;
		}
	if (!size || (!p->free && p->nknown == p->room && more_numbers(p)))
		return 0;
	i = p->free ?: p->nknown;
	k = &p->known[i];
	if (p->free)
		p->free = k->next;
	else
		p->nknown++;
	*k = (struct known){ .hash = hash, .named = 1, .port = e->port, .proto = e->proto, .size = size,
			     .text = slab_alloc(&p->texts, size) };
	if (!k->text) {
		k->named = 0;
		k->next = p->free;
		p->free = i;
		return 0;
	}
	memcpy(k->text, text, size);
	k->next = p->bucket[hash & (p->nbucket - 1)];
	p->bucket[hash & (p->nbucket - 1)] = i;
	p->live++;
	return i;
}

static void number_drop(struct past *p, uint32_t i)
{
	struct known *k = &p->known[i];
	uint32_t *at = &p->bucket[k->hash & (p->nbucket - 1)];

	if (--k->named)
		return;
	while (*at != i)
		at = &p->known[*at].next;
	*at = k->next;
	slab_drop(&p->texts, k->text, k->size);
	*k = (struct known){ .next = p->free };
	p->free = i;
	p->live--;
}

/* -- stretches -- */

static struct stretch *stretch_at(const struct past *p, unsigned int i)
{
	return (struct stretch *)&p->stretch[(p->first + i) % STRETCHES];
}

static bool put(struct stretch *s, uint64_t v)
{
	if (s->room - s->size < 10) {
		size_t room = s->room ? s->room * 2 : 1024;
		uint8_t *more = realloc(s->bytes, room);

		if (!more)
			return false;
		s->bytes = more;
		s->room = room;
	}
	for (; v > 0x7f; v >>= 7)
		s->bytes[s->size++] = v | 0x80;
	s->bytes[s->size++] = v;
	return true;
}

static uint64_t get(const uint8_t **at)
{
	unsigned int shift = 0;
	uint64_t v = 0;

	do
		v |= (uint64_t)(**at & 0x7f) << shift;
	while (shift += 7, *(*at)++ & 0x80);
	return v;
}

/* An entry: the distance from the number before it, which sums it has, and those. */
static bool put_entry(struct stretch *s, uint32_t distance, const uint64_t sum[PAST_SUMS])
{
	size_t began = s->size;
	unsigned int which = 0;
	bool fits;

	for (unsigned int i = 0; i < PAST_SUMS; i++)
		which |= !!sum[i] << i;
	fits = put(s, distance) && put(s, which);
	for (unsigned int i = 0; i < PAST_SUMS && fits; i++)
		fits = !sum[i] || put(s, sum[i]);
	if (!fits)
		s->size = began;
	return fits;
}

static uint32_t get_entry(const uint8_t **at, uint32_t before, uint64_t sum[PAST_SUMS])
{
	uint32_t number = before + get(at);
	unsigned int which = get(at);

	for (unsigned int i = 0; i < PAST_SUMS; i++)
		sum[i] = which >> i & 1 ? get(at) : 0;
	return number;
}

typedef void (*entry_fn)(struct past *p, uint32_t number, const uint64_t sum[PAST_SUMS]);

static void each_entry(struct past *p, const struct stretch *s, entry_fn fn)
{
	const uint8_t *at = s->bytes;
	uint64_t sum[PAST_SUMS];
	uint32_t number = 0;

	while (at && at < s->bytes + s->size) {
		number = get_entry(&at, number, sum);
		fn(p, number, sum);
	}
}

static void add_up(struct past *p, uint32_t number, const uint64_t sum[PAST_SUMS])
{
	for (unsigned int i = 0; i < PAST_SUMS; i++)
		p->sums[number][i] += sum[i];
	p->known[number].named += !p->touched[number];
	p->touched[number] = 1;
}

static void let_go(struct past *p, uint32_t number, const uint64_t sum[PAST_SUMS])
{
	number_drop(p, number);
}

static void stretch_drop(struct past *p, struct stretch *s)
{
	each_entry(p, s, let_go);
	p->bytes -= s->room;
	free(s->bytes);
	*s = (struct stretch){ 0 };
}

/* What was added up becomes the stretch's bytes, which name it from now on; sums and touched are zero again. */
static void stretch_fill(struct past *p, struct stretch *s)
{
	uint32_t before = 0;
	uint8_t *tight;

	for (uint32_t i = 1; i < p->nknown; i++) {
		if (!p->touched[i])
			continue;
		if (put_entry(s, i - before, p->sums[i])) {
			before = i;
			for (unsigned int j = 0; j < PAST_SUMS; j++)
				s->all[j] += p->sums[i][j];
		} else {
			number_drop(p, i);
		}
		memset(p->sums[i], 0, sizeof(p->sums[i]));
		p->touched[i] = 0;
	}
	tight = s->size ? realloc(s->bytes, s->size) : NULL;
	if (tight) {
		s->bytes = tight;
		s->room = s->size;
	}
	p->bytes += s->room;
}

static size_t bytes_of(const struct past *p)
{
	return sizeof(*p) + p->bytes + p->texts.bytes + p->nlast * sizeof(*p->last) +
	       p->room * (sizeof(*p->known) + sizeof(*p->sums) + 1 + sizeof(*p->bucket));
}

static void drop_oldest(struct past *p)
{
	stretch_drop(p, stretch_at(p, 0));
	p->first = (p->first + 1) % STRETCHES;
	p->n--;
}

/* Fine stretches from 'i' to 'j' become one, where the first was; the others close up. */
static void join(struct past *p, unsigned int i, unsigned int j, uint64_t from)
{
	struct stretch joined = { .from = from, .span = PAST_COARSE_MS };

	for (unsigned int k = i; k < j; k++) {
		each_entry(p, stretch_at(p, k), add_up);
		joined.lost += stretch_at(p, k)->lost;
	}
	stretch_fill(p, &joined);
	for (unsigned int k = i; k < j; k++)
		stretch_drop(p, stretch_at(p, k));
	*stretch_at(p, i) = joined;
	for (unsigned int k = j; k < p->n && j > i + 1; k++) {	/* a minute of only one leaves no hole */
		*stretch_at(p, i + 1 + k - j) = *stretch_at(p, k);
		*stretch_at(p, k) = (struct stretch){ 0 };
	}
	p->n -= j - i - 1;
}

/* The oldest whole minute of fine stretches, if it is old enough. */
static bool coarsen(struct past *p, uint64_t now)
{
	for (unsigned int i = 0; i < p->n; i++) {
		uint64_t minute = stretch_at(p, i)->from / PAST_COARSE_MS * PAST_COARSE_MS;
		unsigned int j = i;

		if (stretch_at(p, i)->span >= PAST_COARSE_MS)
			continue;
		if (minute + PAST_COARSE_MS + PAST_FINE_MS > now)
			return false;
		while (j < p->n && stretch_at(p, j)->from < minute + PAST_COARSE_MS)
			j++;
		join(p, i, j, minute);
		return true;
	}
	return false;
}

/* -- the edges -- */

static bool more_lasts(struct past *p, unsigned int n)
{
	struct last *more;

	if (n <= p->nlast)
		return true;
	n = n < 2 * p->nlast ? 2 * p->nlast : n;
	more = realloc(p->last, n * sizeof(*more));
	if (!more)
		return false;
	memset(more + p->nlast, 0, (n - p->nlast) * sizeof(*more));
	p->last = more;
	p->nlast = n;
	return true;
}

/* What an edge did since the last look is added up under its number.  What the relay knew before we began is not ours to tell. */
static void look(struct past *p, unsigned int i, const struct edge *e)
{
	uint64_t did[PAST_SUMS], any = 0;
	struct last *l = &p->last[i];
	uint32_t number, hash;
	bool same;

	for (unsigned int j = 0; j < PAST_SUMS; j++)
		any |= e->sum[taken[j]] ^ l->sum[j];
	if (!any)
		return;
	number = number_of(p, e);
	if (!number)
		return;			/* told with the next tick */
	hash = p->known[number].hash;
	same = l->hash == hash;		/* else another edge has its place */
	for (unsigned int j = 0; j < PAST_SUMS; j++) {
		uint64_t now = e->sum[taken[j]];

		did[j] = now - (same && now >= l->sum[j] ? l->sum[j] : 0);
		l->sum[j] = now;
	}
	l->hash = hash;
	if (p->began)
		add_up(p, number, did);
	number_drop(p, number);
}

void past_baseline(struct past *p, const struct edges *edges)
{
	bool began = p->began;

	if (!more_lasts(p, edges_end(edges)))
		return;
	p->began = false;
	for (unsigned int i = 0; i < edges_end(edges); i++)
		if (edges_at(edges, i))
			look(p, i, edges_at(edges, i));
	p->began = began;
}

void past_tick(struct past *p, const struct edges *edges, uint64_t lost, uint64_t now)
{
	struct stretch s = { .from = p->ticked, .span = now > p->ticked ? now - p->ticked : 0 };
	unsigned int end = edges_end(edges);

	if (!more_lasts(p, end))
		return;
	for (unsigned int i = 0; i < end; i++) {
		const struct edge *e = edges_at(edges, i);

		if (e)
			look(p, i, e);
	}
	if (p->began) {
		s.lost = lost - p->lost;
		stretch_fill(p, &s);
		if (p->n == STRETCHES)
			drop_oldest(p);
		*stretch_at(p, p->n++) = s;
	}
	p->began = true;
	p->lost = lost;
	p->ticked = now;
	while (coarsen(p, now))
		;
	while (p->n && stretch_at(p, 0)->from + PAST_KEPT_MS + PAST_COARSE_MS < now)
		drop_oldest(p);
	for (; p->n > 1 && bytes_of(p) > p->budget; p->dropped++)
		drop_oldest(p);
}

static void tells(const struct known *k, const uint64_t sum[PAST_SUMS], struct past_edge *out)
{
	const char *at = k->text, *part[6];

	for (unsigned int i = 0; i < 6; i++, at += strlen(at) + 1)
		part[i] = at;
	*out = (struct past_edge){ .source = { part[0], part[1], part[2] }, .destination = { part[3], part[4], part[5] },
				   .port = k->port, .proto = k->proto };
	memcpy(out->sum, sum, sizeof(out->sum));
}

void past_window(const struct past *cp, uint64_t from, uint64_t to, past_fn fn, void *ctx)
{
	struct past *p = (struct past *)cp;	/* sums and touched are as before when it returns */
	struct past_edge e;

	for (unsigned int i = 0; i < p->n; i++) {
		const struct stretch *s = stretch_at(p, i);

		if (s->from < to && s->from + s->span > from)
			each_entry(p, s, add_up);
	}
	for (uint32_t i = 1; i < p->nknown; i++) {
		if (!p->touched[i])
			continue;
		tells(&p->known[i], p->sums[i], &e);
		fn(ctx, &e);
		memset(p->sums[i], 0, sizeof(p->sums[i]));
		p->touched[i] = 0;
		number_drop(p, i);
	}
}

void past_each(const struct past *p, uint64_t from, uint64_t to, past_each_fn fn, void *ctx)
{
	for (unsigned int i = 0; i < p->n; i++) {
		const struct stretch *s = stretch_at(p, i);
		const uint8_t *at = s->bytes;
		uint64_t sum[PAST_SUMS];
		struct past_edge e;
		uint32_t number = 0;

		while (at && at < s->bytes + s->size && s->from < to && s->from + s->span > from) {
			number = get_entry(&at, number, sum);
			tells(&p->known[number], sum, &e);
			fn(ctx, s->from, &e);
		}
	}
}

void past_strip(const struct past *p, uint64_t from, uint64_t step, unsigned int n, struct past_strip *out)
{
	memset(out, 0, n * sizeof(*out));
	for (unsigned int i = 0; i < p->n; i++) {
		const struct stretch *s = stretch_at(p, i);
		uint64_t k = s->from >= from ? (s->from - from) / step : n;

		for (uint64_t j = k; j < n && from + j * step < s->from + s->span; j++)
			out[j].known = true;
		if (k >= n)
			continue;
		out[k].opened += s->all[PAST_OPENED];
		out[k].denied += s->all[PAST_DENIED];
		out[k].would_deny += s->all[PAST_WOULD_DENY];
		out[k].dropped += s->all[PAST_DROPPED];
		out[k].lost += s->lost;
	}
}

void past_mark(struct past *p, uint64_t at, const char *what, const char *name)
{
	struct past_mark *m = &p->mark[p->marks++ % PAST_MARKS];

	m->at = at;
	snprintf(m->what, sizeof(m->what), "%s", what);
	snprintf(m->name, sizeof(m->name), "%s", name);
}

unsigned int past_marks(const struct past *p, uint64_t from, struct past_mark *out, unsigned int max)
{
	unsigned int first = p->marks > PAST_MARKS ? p->marks - PAST_MARKS : 0, n = 0;

	for (unsigned int i = first; i < p->marks && n < max; i++)
		if (p->mark[i % PAST_MARKS].at >= from)
			out[n++] = p->mark[i % PAST_MARKS];
	return n;
}

void past_count(const struct past *p, struct past_counts *out)
{
	*out = (struct past_counts){ .bytes = bytes_of(p), .budget = p->budget, .oldest = p->n ? stretch_at(p, 0)->from : 0,
				     .dropped = p->dropped, .edges = p->live, .stretches = p->n };
}

int past_open(struct past **out, size_t budget)
{
	struct past *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->budget = budget ?: PAST_BUDGET;
	p->nknown = 1;
	if (more_numbers(p)) {
		past_close(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

void past_close(struct past *p)
{
	if (!p)
		return;
	while (p->n)
		drop_oldest(p);
	free(p->known);
	free(p->bucket);
	free(p->sums);
	free(p->touched);
	free(p->last);
	free(p);
}
