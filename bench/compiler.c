// SPDX-License-Identifier: Apache-2.0
/* What the policy compiler costs, parsing apart: a world from nothing, and single events on it. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/manifests.h"
#include "lib/netpol/read.h"
#include "lib/policy/compile.h"

#define FULL 5			/* worlds from nothing */
#define GROUPS 5		/* of events: the spread of a percentile */
#define EVENTS 400		/* in a group */

struct objects {
	struct object **v;
	unsigned int n, room;
};

struct compiling {
	struct manifests m;
	struct objects world;
	struct compiler *c;
	unsigned long ops;
};

static int keep(void *ctx, struct object *o, const struct complaint *why)
{
	struct objects *to = ctx;

	if (!o) {
		fprintf(stderr, "bench: a manifest of ours is refused: %s\n", why->text);
		return -EINVAL;
	}
	if (to->n == to->room) {
		struct object **v = realloc(to->v, (to->room * 2 + 64) * sizeof(*v));

		if (!v)
			return -ENOMEM;
		to->v = v;
		to->room = to->room * 2 + 64;
	}
	to->v[to->n++] = o;
	return 0;
}

static void objects_free(struct objects *o)
{
	for (unsigned int i = 0; i < o->n; i++)
		object_free(o->v[i]);
	free(o->v);
	*o = (struct objects){ 0 };
}

/* Some text of manifests, read. */
struct text {
	char *at;
	size_t size;
	FILE *f;
};
static FILE *text_begin(struct text *t) { return t->f = open_memstream(&t->at, &t->size); }
static int text_read(struct text *t, struct objects *to)
{
	int err;

	fclose(t->f);
	err = read_manifests(t->at, t->size, "bench", keep, to);
	free(t->at);
	return err;
}

/* In pieces, as files are. */
static int read_world(struct compiling *x)
{
	struct text t;
	int err;

	manifests_frame(text_begin(&t), &x->m);
	err = text_read(&t, &x->world);
	for (unsigned int id = 1; id <= x->m.pods && !err; id += 100) {
		text_begin(&t);
		for (unsigned int i = id; i < id + 100; i++)
			manifests_pod(t.f, &x->m, i, i);
		err = text_read(&t, &x->world);
	}
	for (unsigned int id = 1; id <= x->m.policies && !err; id += 100) {
		text_begin(&t);
		for (unsigned int i = id; i < id + 100; i++)
			manifests_policy(t.f, &x->m, i, 0);
		err = text_read(&t, &x->world);
	}
	return err;
}

static int sink(void *ctx, const struct op *op)
{
	((struct compiling *)ctx)->ops++;
	return 0;
}

static int full(struct compiling *x, double *ms)
{
	struct compile_report report;
	struct complaint why;
	double began;
	int err = compile_new(&x->c, NULL, sink, x);

	if (err)
		return err;
	compile_node_name(x->c, MANIFESTS_NODE);
	began = cpu_ns();
	for (unsigned int i = 0; i < x->world.n && !err; i++)
		err = compile_object(x->c, x->world.v[i], &why);
	err = err ?: compile_commit(x->c, &report);
	*ms = (cpu_ns() - began) / 1e6;
	return err ?: compile_finish(x->c);
}

/* One event: told and committed is measured, settling is not.  us */
static int event(struct compiling *x, const struct object *o, double *us)
{
	struct compile_report report;
	struct complaint why;
	double began = cpu_ns();
	int err = compile_object(x->c, o, &why) ?: compile_commit(x->c, &report);

	*us = (cpu_ns() - began) / 1e3;
	return err ?: compile_finish(x->c);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

enum what { POD_ADDED, POLICY_EDITED, POLICY_HERE };

/* The manifest of event number i; the server of pods that come is 0: elsewhere. */
static void write_event(FILE *f, const struct compiling *x, enum what what, unsigned int i)
{
	unsigned int nns = x->m.pods / MANIFESTS_PER_NAMESPACE, each = x->m.pods / x->m.local, id;

	if (what == POD_ADDED) {
		id = 1 + i * 7919U % x->m.pods;
		manifests_pod(f, &x->m, x->m.pods + 1 + i, id % each ? id : id + 1);
		return;
	}
	if (what == POLICY_EDITED)
		id = 1 + i * 7919U % x->m.policies;
	else			/* in the namespace of a local pod, one that selects a workload */
		id = 1 + ((1 + i % x->m.local) * each - 1) / MANIFESTS_PER_NAMESPACE % nns + nns * (2 + i * 31U % (x->m.policies / nns - 2));
	manifests_policy(f, &x->m, id % 500 ? id : id + 1, i + 1);
}

static int events(struct compiling *x, enum what what, double p50[GROUPS], double p99[GROUPS])
{
	static double us[EVENTS];

	for (unsigned int g = 0; g < GROUPS; g++) {
		for (unsigned int i = 0; i < EVENTS; i++) {
			struct objects one = { 0 };
			struct text t;
			int err;

			write_event(text_begin(&t), x, what, g * EVENTS + i);
			err = text_read(&t, &one);
			for (unsigned int k = 0; k < one.n && !err; k++)
				err = event(x, one.v[k], &us[i]);
			objects_free(&one);
			if (err)
				return err;
		}
		qsort(us, EVENTS, sizeof(*us), by_value);
		p50[g] = us[EVENTS / 2];
		p99[g] = us[EVENTS * 99 / 100];
	}
	return 0;
}

static int measure(struct compiling *x, struct report *r)
{
	double ms[FULL], p50[GROUPS], p99[GROUPS];
	struct compile_counts n;
	int err = 0;

	for (int i = 0; i < FULL && !err; i++) {
		compile_free(x->c);
		x->c = NULL;
		err = full(x, &ms[i]);
	}
	if (err)
		return err;
	compile_count(x->c, &n);
	report_fact(r, "the world", "%u pods, %u policies, %u local endpoints, classes %u in %u out, sets %u, cells %u", n.pods, n.policies,
		    n.endpoints, n.classes[WEIR_INGRESS], n.classes[WEIR_EGRESS], n.sets, n.cells);
	report_fact(r, "memory", "%.1f MiB held by the compiler", n.bytes / 1048576.0);
	report_goal(r, "full compile", "ms CPU", ms, FULL, 150);
	err = events(x, POD_ADDED, p50, p99);
	if (!err) {
		report_goal(r, "pod added, p50", "us CPU", p50, GROUPS, 5);
		report_goal(r, "pod added, p99", "us CPU", p99, GROUPS, 50);
		err = events(x, POLICY_EDITED, p50, p99);
	}
	if (!err) {
		report_row(r, "any policy edited, p50", "us CPU", p50, GROUPS);
		report_goal(r, "any policy edited, p99", "us CPU", p99, GROUPS, 10000);
		err = events(x, POLICY_HERE, p50, p99);
	}
	if (!err) {
		report_row(r, "policy of a local pod edited, p50", "us CPU", p50, GROUPS);
		report_goal(r, "policy of a local pod edited, p99", "us CPU", p99, GROUPS, 10000);
	}
	return err;
}

int part_compiler(struct bench *b, struct report *r)
{
	struct compiling x = { .m = { 50000, 5000, 110 } };
	int err;

	report_begin(r, "compiler", "50,000 pods, 5,000 policies, 110 pods here; CPU time, parsing apart; percentiles of 400 events, five times");
	pin_to(1);
	err = read_world(&x) ?: measure(&x, r);
	compile_free(x.c);
	objects_free(&x.world);
	malloc_trim(0);
	return err;
}
