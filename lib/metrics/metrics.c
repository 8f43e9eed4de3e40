// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/metrics/inside.h"

#define GONE_MOST 65536			/* owners whose series linger; beyond, they go at once */

static void drop_owned(struct metrics *m, const struct gone *gone, unsigned int n);

int metrics_new(struct metrics **out)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->gone = calloc(GONE_MOST, sizeof(*m->gone));
	if (!m->gone) {
		free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

static void series_free(struct series *s)
{
	free(s->bucket);
	free(s->example);
	free(s);
}

static void metric_empty(struct metric *m)
{
	for (unsigned int i = 0; i < m->nseries; i++)
		series_free(m->series[i]);
	m->nseries = m->own = 0;
	if (m->chain)
		memset(m->chain, 0, m->chains * sizeof(*m->chain));
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (unsigned int i = 0; i < m->nmetric; i++) {
		metric_empty(m->metric[i]);
		free(m->metric[i]->chain);
		free(m->metric[i]->series);
		free(m->metric[i]);
	}
	free(m->metric);
	free(m->gone);
	free(m);
}

static bool name_fits(const char *name, bool colon)
{
	if (!name || isdigit((unsigned char)*name) || !*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && !(colon && *name == ':'))
			return false;
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static bool about_fits(const struct metrics *m, const struct metric_about *a, unsigned int labels)
{
	if (!name_fits(a->name, true) || !a->help || !*a->help || labels > METRICS_LABELS || ends_with(a->name, "_total"))
		return false;
	if (a->unit && !(ends_with(a->name, a->unit) && a->name[strlen(a->name) - strlen(a->unit) - 1] == '_'))
		return false;
	for (unsigned int i = 0; i < labels; i++)
		if (!name_fits(a->label[i], false) || !strcmp(a->label[i], "le"))
			return false;
	for (unsigned int i = 1; i < a->bounds; i++)
		if (!(a->bound[i] > a->bound[i - 1]))
			return false;
	for (unsigned int i = 0; i < m->nmetric; i++)
		if (!strcmp(m->metric[i]->about.name, a->name))
			return false;
	return a->type != METRIC_HISTOGRAM || a->bounds;
}

struct metric *metrics_add(struct metrics *m, const struct metric_about *about)
{
	unsigned int labels = 0;
	struct metric *one, **more;

	while (about->label && about->label[labels])
		labels++;
	if (!about_fits(m, about, labels))
		return NULL;
	one = calloc(1, sizeof(*one));
	more = realloc(m->metric, (m->nmetric + 1) * sizeof(*more));
	if (more)
		m->metric = more;
	if (one)
		one->chain = calloc(16, sizeof(*one->chain));
	if (!one || !more || !one->chain) {
		free(one);
		return NULL;
	}
	one->chains = 16;
	one->metrics = m;
	one->about = *about;
	one->labels = labels;
	if (!one->about.most)
		one->about.most = METRICS_MOST;
	m->metric[m->nmetric++] = one;
	return one;
}

static uint64_t hash_of(const char *const *value, unsigned int n)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (unsigned int i = 0; i < n; i++) {
		for (const char *c = value[i]; *c; c++)
			h = (h ^ (unsigned char)*c) * 0x100000001b3ULL;
		h = (h ^ 0xff) * 0x100000001b3ULL;
	}
	return h ^ h >> 29;
}

static struct series *find(const struct metric *m, const char *const *value, uint64_t hash)
{
	for (struct series *s = m->chain[hash & (m->chains - 1)]; s; s = s->next) {
		const char *at = s->text;
		unsigned int i = 0;

		if (s->hash != hash)
			continue;
		while (i < m->labels && !strcmp(at, value[i])) {
			at += strlen(at) + 1;
			i++;
		}
		if (i == m->labels)
			return s;
	}
	return NULL;
}

static void grow(struct metric *m)
{
	unsigned int chains = m->chains * 2;
	struct series **chain = calloc(chains, sizeof(*chain));

	if (!chain)
		return;				/* longer chains, then */
	free(m->chain);
	m->chain = chain;
	m->chains = chains;
	for (unsigned int i = 0; i < m->nseries; i++) {
		struct series *s = m->series[i];

		s->next = chain[s->hash & (chains - 1)];
		chain[s->hash & (chains - 1)] = s;
	}
}

static struct series *make(struct metric *m, const char *const *value, uint64_t hash)
{
	size_t size = 0, n;
	struct series *s, **more;
	char *at;

	for (unsigned int i = 0; i < m->labels; i++)
		size += strlen(value[i]) + 1;
	if (m->nseries == m->room) {
		more = realloc(m->series, (m->room * 2 + 4) * sizeof(*more));
		if (!more)
			return NULL;
		m->series = more;
		m->room = m->room * 2 + 4;
	}
	s = calloc(1, sizeof(*s) + size + 1);
	if (!s)
		return NULL;
	if (m->about.type == METRIC_HISTOGRAM && !(s->bucket = calloc(m->about.bounds + 1, sizeof(*s->bucket)))) {
		free(s);
		return NULL;
	}
	s->metric = m;
	s->hash = hash;
	s->whole = m->about.type == METRIC_COUNTER;
	at = s->text;
	for (unsigned int i = 0; i < m->labels; i++, at += n) {
		n = strlen(value[i]) + 1;
		memcpy(at, value[i], n);
	}
	if (m->nseries > m->chains)
		grow(m);
	s->next = m->chain[hash & (m->chains - 1)];
	m->chain[hash & (m->chains - 1)] = s;
	m->series[m->nseries++] = s;
	return s;
}

/* There is no memory for even one more: counted nowhere but in 'folded'. */
static struct series *nowhere(struct metric *m)
{
	static struct series s;
	static uint64_t bucket[64];

	s = (struct series){ .metric = m, .bucket = m->about.bounds < 64 ? bucket : NULL, .other = true };
	return &s;
}

/* The labels before 'keep' are of few values: their combinations, and no others, are beyond the family's bound. */
static struct series *fold(struct metric *m, const char *const *value)
{
	const char *said[METRICS_LABELS];
	struct series *s;
	uint64_t hash;

	for (unsigned int i = 0; i < m->labels; i++)
		said[i] = i < m->about.keep && m->nseries - m->own < m->about.most ? value[i] : METRICS_OTHER;
	hash = hash_of(said, m->labels);
	s = find(m, said, hash);
	if (s && !s->other)
		m->own--;			/* somebody of that name was here before */
	if (!s)
		s = make(m, said, hash);
	if (!s)
		return nowhere(m);
	s->other = true;
	memset(s->owner, 0, sizeof(s->owner));
	return s;
}

struct series *metric_series(struct metric *m, const char *const *value, const uint64_t owner[METRICS_OWNERS])
{
	uint64_t hash = hash_of(value, m->labels);
	struct series *s = find(m, value, hash);

	if (s)
		return s;
	if (m->own >= m->about.most)
		return fold(m, value);
	s = make(m, value, hash);
	if (!s)
		return fold(m, value);
	m->own++;
	if (owner)
		memcpy(s->owner, owner, sizeof(s->owner));
	return s;
}

void series_count(struct series *s, uint64_t n)
{
	s->n += n;
	if (s->other)
		s->metric->folded += n;
}

void series_set(struct series *s, double value)
{
	s->v = value;
}

static unsigned int bucket_of(const struct metric_about *a, double value)
{
	unsigned int i = 0;

	while (i < a->bounds && value > a->bound[i])
		i++;
	return i;
}

/* One for each bucket; a counter has one. */
static void keep_example(struct series *s, unsigned int i, const struct example *e, const char *text)
{
	if (!text || strlen(text) > EXAMPLE_MOST || s->metric->about.read)
		return;
	if (!s->example)
		s->example = calloc(s->bucket ? s->metric->about.bounds + 1 : 1, sizeof(*s->example));
	if (!s->example)
		return;
	s->example[i] = *e;
	strcpy(s->example[i].text, text);
}

void series_example(struct series *s, double value, uint64_t time_ns, const char *example)
{
	if (s->metric->about.type == METRIC_COUNTER && !s->other)
		keep_example(s, 0, &(struct example){ .value = value, .time_ns = time_ns }, example);
}

void series_observe(struct series *s, double value, uint64_t time_ns, const char *example)
{
	unsigned int i = bucket_of(&s->metric->about, value);

	if (!s->bucket)
		return;
	s->bucket[i]++;
	s->n++;
	s->v += value;
	if (s->other)
		s->metric->folded++;
	keep_example(s, i, &(struct example){ .value = value, .time_ns = time_ns }, example);
}

/* What is read anew has no value left from the last time. */
void metric_refresh(struct metric *m)
{
	if (!m->about.read)
		return;
	metric_empty(m);
	m->about.read(m->about.ctx, m);
}

void metric_put(struct metric *m, const char *const *value, double v)
{
	struct series *s = metric_series(m, value, NULL);

	s->whole = false;
	s->v += v;
}

void metric_put_count(struct metric *m, const char *const *value, uint64_t n)
{
	struct series *s = metric_series(m, value, NULL);

	s->whole = true;
	s->n += n;
}

void metric_put_histogram(struct metric *m, const char *const *value, const uint64_t *bucket, double sum)
{
	struct series *s = metric_series(m, value, NULL);

	for (unsigned int i = 0; s->bucket && i <= m->about.bounds; i++) {
		s->bucket[i] += bucket[i];
		s->n += bucket[i];
	}
	s->v += sum;
}

void metrics_back(struct metrics *m, uint64_t owner)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->ngone; i++)
		if (m->gone[i].owner != owner)
			m->gone[kept++] = m->gone[i];
	m->ngone = kept;
}

void metrics_gone(struct metrics *m, uint64_t owner, uint64_t now_s)
{
	struct gone gone = { owner, now_s + METRICS_LINGER_S };

	metrics_back(m, owner);
	if (m->ngone < GONE_MOST)
		m->gone[m->ngone++] = gone;
	else
		drop_owned(m, &gone, 1);
}

static int by_owner(const void *a, const void *b)
{
	uint64_t x = ((const struct gone *)a)->owner, y = ((const struct gone *)b)->owner;

	return x < y ? -1 : x > y;
}

static bool is_owned(const struct series *s, const struct gone *gone, unsigned int n)
{
	for (unsigned int i = 0; i < METRICS_OWNERS; i++) {
		struct gone key = { s->owner[i], 0 };

		if (key.owner && bsearch(&key, gone, n, sizeof(key), by_owner))
			return true;
	}
	return false;
}

static void unchain(struct series *s)
{
	struct metric *m = s->metric;
	struct series **at = &m->chain[s->hash & (m->chains - 1)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

/* 'gone' is sorted. */
static void drop_owned(struct metrics *m, const struct gone *gone, unsigned int n)
{
	for (unsigned int i = 0; i < m->nmetric; i++) {
		struct metric *one = m->metric[i];
		unsigned int kept = 0;

		for (unsigned int j = 0; j < one->nseries; j++) {
			struct series *s = one->series[j];

			if (!is_owned(s, gone, n)) {
				one->series[kept++] = s;
				continue;
			}
			unchain(s);
			series_free(s);
			one->own--;
			m->expired++;
		}
		one->nseries = kept;
	}
}

void metrics_expire(struct metrics *m, uint64_t now_s)
{
	unsigned int kept = 0, n = 0;
	struct gone *due = m->ngone ? calloc(m->ngone, sizeof(*due)) : NULL;

	if (!due)
		return;
	for (unsigned int i = 0; i < m->ngone; i++) {
		if (m->gone[i].when <= now_s)
			due[n++] = m->gone[i];
		else
			m->gone[kept++] = m->gone[i];
	}
	m->ngone = kept;
	qsort(due, n, sizeof(*due), by_owner);
	if (n)
		drop_owned(m, due, n);
	free(due);
}

void metrics_each(struct metrics *m, metrics_fn fn, void *ctx)
{
	for (unsigned int i = 0; i < m->nmetric; i++) {
		struct metric *one = m->metric[i];

		metric_refresh(one);
		fn(ctx, &one->about, NULL);
		for (unsigned int j = 0; j < one->nseries; j++) {
			const struct series *s = one->series[j];
			const char *value[METRICS_LABELS];
			struct metric_sample sample = { .value = value, .v = s->v, .n = s->n, .whole = s->whole, .bucket = s->bucket };

			series_values(s, value);
			fn(ctx, &one->about, &sample);
		}
	}
}

void metrics_count(const struct metrics *m, struct metrics_counts *out)
{
	*out = (struct metrics_counts){ .families = m->nmetric, .expired = m->expired };
	for (unsigned int i = 0; i < m->nmetric; i++) {
		out->series += m->metric[i]->nseries;
		out->folded += m->metric[i]->folded;
	}
}

static void read_folded(void *ctx, struct metric *to)
{
	struct metrics *m = ctx;

	for (unsigned int i = 0; i < m->nmetric; i++)
		if (m->metric[i]->labels && !m->metric[i]->about.read)
			metric_put_count(to, (const char *[]){ m->metric[i]->about.name }, m->metric[i]->folded);
}

static void read_series(void *ctx, struct metric *to)
{
	struct metrics *m = ctx;

	for (unsigned int i = 0; i < m->nmetric; i++)
		if (m->metric[i]->labels && !m->metric[i]->about.read)
			metric_put(to, (const char *[]){ m->metric[i]->about.name }, m->metric[i]->nseries);
}

static void read_most(void *ctx, struct metric *to)
{
	struct metrics *m = ctx;

	for (unsigned int i = 0; i < m->nmetric; i++)
		if (m->metric[i]->labels && !m->metric[i]->about.read)
			metric_put(to, (const char *[]){ m->metric[i]->about.name }, m->metric[i]->about.most);
}

static void read_expired(void *ctx, struct metric *to)
{
	struct metrics *m = ctx;

	metric_put_count(to, NULL, m->expired);
}

int metrics_add_own(struct metrics *m)
{
	static const char *const family[] = { "metric", NULL };
	struct metric_about about[] = {
		{ .name = "weir_metrics_series", .help = "Series that a metric has now.", .type = METRIC_GAUGE, .label = family,
		  .read = read_series },
		{ .name = "weir_metrics_series_limit", .help = "Series that a metric may have.", .type = METRIC_GAUGE,
		  .label = family, .read = read_most },
		{ .name = "weir_metrics_folded", .help = "Counts of a metric that went to its series of others.", .label = family,
		  .read = read_folded },
		{ .name = "weir_metrics_expired_series", .help = "Series that went because whom they told of is gone.",
		  .read = read_expired },
	};

	for (unsigned int i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		about[i].ctx = m;
		if (!metrics_add(m, &about[i]))
			return -ENOMEM;
	}
	return 0;
}
