// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "agent/metrics_owners.h"

struct pod {
	struct pod *next;
	uint64_t number;
	struct workload *workload;
};

struct workload {
	struct workload *next;
	uint64_t number;
	unsigned int pods;
};

#define CHAINS 4096

struct owners {
	struct metrics *metrics;	/* not ours */
	struct pod *pod[CHAINS];
	struct workload *workload[CHAINS];
	unsigned int pods;
};

int owners_new(struct owners **out, struct metrics *metrics)
{
	struct owners *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->metrics = metrics;
	*out = o;
	return 0;
}

void owners_free(struct owners *o)
{
	for (unsigned int i = 0; o && i < CHAINS; i++) {
		for (struct pod *p = o->pod[i], *next; p; p = next) {
			next = p->next;
			free(p);
		}
		for (struct workload *w = o->workload[i], *next; w; w = next) {
			next = w->next;
			free(w);
		}
	}
	free(o);
}

/* 64 bits of "kind namespace name": two that are alike by chance would go together, once in a very long time. */
static uint64_t number_of(char kind, const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ kind;

	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 0x100000001b3ULL;
	h = (h ^ '/') * 0x100000001b3ULL;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15ULL | 1;
}

static struct pod *find(const struct owners *o, uint64_t number)
{
	struct pod *p = o->pod[number >> 52];

	while (p && p->number != number)
		p = p->next;
	return p;
}

static struct workload *workload_of(struct owners *o, uint64_t number)
{
	struct workload **at = &o->workload[number >> 52], *w = *at;

	while (w && w->number != number)
		w = w->next;
	if (w || !(w = calloc(1, sizeof(*w))))
		return w;
	w->number = number;
	w->next = *at;
	*at = w;
	return w;
}

static void arrive(struct owners *o, struct pod *p)
{
	p->workload->pods++;
	metrics_back(o->metrics, p->number);
	metrics_back(o->metrics, p->workload->number);
}

static struct pod *make(struct owners *o, uint64_t number, uint64_t workload)
{
	struct pod *p = o->pods < OWNERS_MOST ? calloc(1, sizeof(*p)) : NULL;

	if (!p)
		return NULL;
	p->workload = workload_of(o, workload);
	if (!p->workload) {
		free(p);
		return NULL;
	}
	p->number = number;
	p->next = o->pod[number >> 52];
	o->pod[number >> 52] = p;
	o->pods++;
	arrive(o, p);
	return p;
}

static bool has_workload(const struct owners *o, uint64_t number)
{
	const struct workload *w = o->workload[number >> 52];

	while (w && w->number != number)
		w = w->next;
	return w;
}

void owners_seen(struct owners *o, const struct flow_end *end, bool dead, uint64_t now_s, uint64_t *pod, uint64_t *workload)
{
	uint64_t number;
	struct pod *p;

	*pod = *workload = 0;
	if (!*end->pod)
		return;
	number = number_of('p', end->ns, end->pod);
	p = find(o, number);
	if (!p && dead) {
		*pod = number;
		*workload = number_of('w', end->ns, end->workload);
		metrics_gone(o->metrics, number, now_s);
		if (!has_workload(o, *workload))
			metrics_gone(o->metrics, *workload, now_s);
		return;
	}
	if (!p)
		p = make(o, number, number_of('w', end->ns, end->workload));
	if (!p)
		return;
	*pod = number;
	*workload = p->workload->number;
}

static void forget_workload(struct owners *o, struct workload *w)
{
	struct workload **at = &o->workload[w->number >> 52];

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

void owners_gone(struct owners *o, const char *ns, const char *name, uint64_t now_s)
{
	uint64_t number = number_of('p', ns, name);
	struct pod **at = &o->pod[number >> 52], *p;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	*at = p->next;
	o->pods--;
	metrics_gone(o->metrics, number, now_s);
	if (!--p->workload->pods) {
		metrics_gone(o->metrics, p->workload->number, now_s);
		forget_workload(o, p->workload);
	}
	free(p);
}
