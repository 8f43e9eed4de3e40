// SPDX-License-Identifier: Apache-2.0
/*
 * What the compiler costs, in CPU time of its thread: a full compile and each kind of event, in worlds like real ones
 * and in hostile ones (tests/policy/large.h).  Stores are counted, not made.
 *
 *	compile [-p pods] [-n policies] [-l local] [-2] [-i events] [-r full compiles] [-x: hostile objects]
 *
 * Beside the table for people, a line "figure NAME MEDIAN LOWEST HIGHEST" for each number that is judged.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/policy/compile.h"
#include "tests/policy/large.h"

static struct large world = { .pods = 50000, .policies = 5000, .local = 110 };
static unsigned long ops[OP_KINDS], cells;
static unsigned long long state = 7;
static double *sample;
static unsigned int nsample;

static unsigned int rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static int count(void *ctx, const struct op *op)
{
	ops[op->kind]++;
	cells += op->kind == OP_CELLS ? op->count : 0;
	return 0;
}

static unsigned long total(void)
{
	unsigned long n = 0;

	for (int i = 0; i < OP_KINDS; i++)
		n += ops[i];
	return n;
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double rss(void)
{
	long size = 0, res = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &size, &res) != 2)
		res = 0;
	if (f)
		fclose(f);
	return res * 4.0 / 1024;
}

static int up(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, const char *figure, double settle, unsigned long did)
{
	unsigned int n = nsample;

	qsort(sample, n, sizeof(double), up);
	printf("%-34s %9.1f %9.1f %9.1f   settle %8.1f   stores %8.1f\n", name, sample[n / 2], sample[n * 99 / 100],
	       sample[n - 1], settle / n, (double)did / n);
	if (figure)
		printf("figure %s_p50_us %.2f %.2f %.2f\nfigure %s_p99_us %.2f %.2f %.2f\n", figure, sample[n / 2], sample[0],
		       sample[n - 1], figure, sample[n * 99 / 100], sample[n / 2], sample[n - 1]);
	nsample = 0;
}

static void numbers(struct compiler *c, double base)
{
	struct compile_counts n;

	malloc_trim(0);
	compile_count(c, &n);
	printf("  pods %u policies %u local %u endpoints %u | addresses %u prefixes %u | classes %u in %u out, sets %u, tables %u (%u ranges),"
	       " cells %u, rules %u | over %u refused %u\n  held %.1f MiB, RSS %.1f MiB more than at the start\n",
	       n.pods, n.policies, n.local_policies, n.endpoints, n.addresses, n.prefixes, n.classes[0], n.classes[1], n.sets,
	       n.tables, n.ranges, n.cells, n.rules, n.over, n.refused, n.bytes / 1048576.0, rss() - base);
}

/* Making the objects is not what is measured, and a clock read for each would be: it is done twice, once without the
 * compiler, and subtracted. */
static double pods_fed(struct compiler *c)
{
	double t = cpu();

	for (unsigned int i = 1; i <= world.pods; i++) {
		struct object *o = large_pod(i);

		if (c)
			compile_object(c, o, NULL);
	}
	return cpu() - t;
}

static double policies_fed(struct compiler *c)
{
	double t = cpu();

	for (unsigned int i = 1; i <= world.policies; i++) {
		struct object *o = large_policy(i, 0);

		if (c)
			compile_object(c, o, NULL);
	}
	return cpu() - t;
}

static struct compiler *full(double *ms, bool speak)
{
	struct compiler *c;
	double pods, policies, commit;
	int err;

	compile_new(&c, NULL, count, NULL);
	compile_node_name(c, "here");
	compile_object(c, large_node(), NULL);
	for (unsigned int i = 1; i <= world.pods / LARGE_SPACE; i++)
		compile_object(c, large_space(i, 0), NULL);
	pods = pods_fed(NULL);
	pods = pods_fed(c) - pods;
	policies = policies_fed(NULL);
	policies = policies_fed(c) - policies;
	commit = cpu();
	err = compile_commit(c, NULL);
	commit = cpu() - commit;
	*ms = (pods + policies + commit) / 1e3;
	if (speak)
		printf("full compile%s: %.1f ms: pods %.1f, policies %.1f, commit %.1f\n", err ? ", REFUSED" : "", *ms, pods / 1e3,
		       policies / 1e3, commit / 1e3);
	compile_finish(c);
	return c;
}

#define EVENT(name, figure, times, setup, body, after) do {					\
	double settle_ = 0;									\
	unsigned long did_ = 0;									\
	for (unsigned int i = 0; i < (times); i++) {						\
		double t_;									\
		unsigned long n_;								\
		setup;										\
		n_ = total();									\
		t_ = cpu();									\
		body;										\
		compile_commit(c, NULL);							\
		sample[nsample++] = cpu() - t_;							\
		did_ += total() - n_;								\
		t_ = cpu();									\
		compile_finish(c);								\
		settle_ += cpu() - t_;								\
		after;										\
	}											\
	report(name, figure, settle_, did_);							\
} while (0)

static struct object *another(unsigned int i, unsigned int base)
{
	struct object *o = large_pod(1 + rnd(world.pods));

	large_address(o, base + i);
	o->name = large_text("another-%u", i);
	o->ns = large_text("ns%u", 1 + i % (world.pods / LARGE_SPACE));
	o->created = world.pods + i;
	o->pod.node = "there";
	return o;
}

static void gone(struct compiler *c, unsigned int i)
{
	compile_gone(c, OBJECT_POD, large_text("ns%u", 1 + i % (world.pods / LARGE_SPACE)), large_text("another-%u", i));
}

static void settle_all(struct compiler *c)
{
	compile_commit(c, NULL);
	compile_finish(c);
}

static void events_pods(struct compiler *c, unsigned int n)
{
	struct object *o;

	EVENT("pod added, of a known deployment", "pod_added", n, o = another(i, 0x0a900000), compile_object(c, o, NULL), );
	EVENT("pod removed", "pod_removed", n, , gone(c, i), );
	EVENT("pod added, labels never seen", "pod_new_labels", n,
	      { o = another(i, 0x0a900000); large_label(o, "pod-template-hash", large_text("new%u", i)); },
	      compile_object(c, o, NULL), );
	EVENT("pod relabelled", "pod_relabelled", n,
	      { o = another(i, 0x0a900000); large_label(o, "app", large_text("app%u", rnd(10))); }, compile_object(c, o, NULL), );
	EVENT("pod re-addressed", NULL, n, o = another(i, 0x0a980000), compile_object(c, o, NULL), );
	for (unsigned int i = 0; i < n; i++)
		gone(c, i);
	settle_all(c);
	EVENT("local pod arrives", "local_pod", n / 4, { o = another(i, 0x0a900000); o->pod.node = "here"; },
	      compile_object(c, o, NULL), { gone(c, i); settle_all(c); });
}

/* One of the policies of a namespace that has a local pod, not its default deny nor its DNS. */
static unsigned int local_policy(void)
{
	unsigned int nns = world.pods / LARGE_SPACE, each = world.policies / nns;

	return 1 + (large_nth_local(rnd(world.local)) - 1) / LARGE_SPACE + nns * (each > 2 ? 2 + rnd(each - 2) : 0);
}

static void events_policies(struct compiler *c, unsigned int n)
{
	unsigned int nns = world.pods / LARGE_SPACE, id = 0;
	const struct object *o;

	EVENT("namespace relabelled", "namespace", n, { id = 1 + rnd(nns); o = large_space(id, i + 1); }, compile_object(c, o, NULL), );
	for (unsigned int i = 1; i <= nns; i++)
		compile_object(c, large_space(i, 0), NULL);
	settle_all(c);
	EVENT("policy of a local pod edited", "policy_edited", n, o = large_policy(local_policy(), i + 1), compile_object(c, o, NULL), );
	EVENT("policy of a local pod removed", NULL, n,
	      { id = local_policy(); o = large_policy(id, 0); }, compile_gone(c, o->kind, o->ns, o->name),
	      { compile_object(c, large_policy(id, 0), NULL); settle_all(c); });
	EVENT("policy elsewhere edited", NULL, n, o = large_policy(1 + rnd(world.policies), i), compile_object(c, o, NULL), );
}

/* hostile objects on top of the ordinary world */
static void one(struct compiler *c, const char *name, double t, double base)
{
	double a = cpu(), b;
	unsigned long n = total();
	struct compile_report r;
	int err = compile_commit(c, &r);

	b = cpu();
	compile_finish(c);
	printf("%-44s objects %8.2f ms, commit %8.2f ms%s%s, settle %8.2f ms, %lu stores\n", name, (a - t) / 1e3, (b - a) / 1e3,
	       err ? " REFUSED: " : r.bound ? " closed some: " : "", r.bound ? compile_bound_text(r.bound) : "", (cpu() - b) / 1e3,
	       total() - n);
	if (base > 0)
		numbers(c, base);
}

static void selectors(struct compiler *c, double base)
{
	double t = cpu();
	struct object *o;
	unsigned int id = 0;

	for (unsigned int i = 0; i < 16; i++) {
		struct rule *r;
		struct peer *p;

		o = large_empty("hostile", large_text("bit-%u", i), TIER_NETPOL);
		r = large_rule(o, WEIR_INGRESS, ACTION_ALLOW);
		p = large_peer(r);
		p->own_namespace = true;
		p->pods = large_selector(large_text("bit%u", i), "1");
		large_port(r, 6, 1000 + i, 1000 + i);
		compile_object(c, o, NULL);
	}
	o = another(0, 0x0aa00000);
	o->ns = "hostile";
	o->pod.node = "here";
	compile_object(c, o, NULL);
	one(c, "16 overlapping selectors, one local pod", t, -1);
	for (unsigned int round = 0; round < 3; round++) {
		static const unsigned int many[] = { 1000, 9000, 10000 };

		t = cpu();
		for (unsigned int i = 0; i < many[round]; i++, id++) {
			o = another(id + 1, 0x0aa00001);
			o->ns = "hostile";
			o->labels.n = 0;
			for (unsigned int b = 0, bits = rnd(65536); b < 16; b++)
				if (bits >> b & 1)
					large_label(o, large_text("bit%u", b), "1");
			compile_object(c, o, NULL);
		}
		one(c, round ? "... and thousands more pods of random subsets" : "... and 1,000 pods of random subsets", t, base);
	}
	t = cpu();
	for (unsigned int i = 0; i <= id; i++)
		compile_gone(c, OBJECT_POD, "hostile", large_text("another-%u", i));
	one(c, "... which leave", t, -1);
	t = cpu();
	for (unsigned int i = 0; i < 16; i++)
		compile_gone(c, OBJECT_POLICY, "hostile", large_text("bit-%u", i));
	one(c, "... and their policies", t, base);
}

static void blocks(struct compiler *c, unsigned int n, double base)
{
	struct object *o = large_empty("ns1", "blocks", TIER_NETPOL);
	struct rule *r = large_rule(o, WEIR_EGRESS, ACTION_ALLOW);
	char name[64];
	double t;

	for (unsigned int i = 0; i < n; i++)
		large_block(large_peer(r), 0x20000000 + (i << 12), 20, 10);
	o->ns = large_text("ns%u", 1 + (large_nth_local(0) - 1) / LARGE_SPACE);
	t = cpu();
	compile_object(c, o, NULL);
	snprintf(name, sizeof(name), "%u CIDRs of 10 excepts in one policy", n);
	one(c, name, t, base);
	t = cpu();
	compile_gone(c, OBJECT_POLICY, large_text("ns%u", 1 + (large_nth_local(0) - 1) / LARGE_SPACE), "blocks");
	one(c, "... removed", t, -1);
}

static void many_policies(struct compiler *c, unsigned int n, double base)
{
	const char *ns = large_text("ns%u", 1 + (large_nth_local(0) - 1) / LARGE_SPACE);
	double t = cpu();
	char name[64];

	for (unsigned int i = 0; i < n; i++) {
		struct object *o = large_empty(ns, large_text("many-%u", i), TIER_NETPOL);
		struct rule *r = large_rule(o, WEIR_INGRESS, ACTION_ALLOW);
		struct peer *p = large_peer(r);

		p->namespaces = large_selector("team", large_text("team%u", i % 20));
		p->pods = large_selector("app", large_text("app%u", i % 10));
		for (unsigned int k = 0; k < 40; k++) {
			unsigned short first = (i * 977 + k * 131) % 60000;

			large_port(r, 6, first, first + 10);
		}
		compile_object(c, o, NULL);
	}
	snprintf(name, sizeof(name), "%u policies of 40 ranges on one namespace", n);
	one(c, name, t, base);
	t = cpu();
	for (unsigned int i = 0; i < n; i++)
		compile_gone(c, OBJECT_POLICY, ns, large_text("many-%u", i));
	one(c, "... removed", t, base);
}

static void everybody(struct compiler *c)
{
	struct object *o = large_empty("", "everybody", TIER_ADMIN);
	double t = cpu();

	for (int d = 0; d < WEIR_DIRS; d++) {
		struct rule *r = large_rule(o, d, ACTION_DENY);

		large_peer(r);
		large_port(r, 6, 22, 22);
	}
	compile_object(c, o, NULL);
	one(c, "a cluster policy on all pods about all pods", t, -1);
	t = cpu();
	compile_gone(c, OBJECT_CLUSTER_POLICY, "", "everybody");
	one(c, "... removed", t, -1);
	t = cpu();
	for (unsigned int i = 1; i <= 10000 && i <= world.pods; i++) {
		o = large_pod(i);
		large_label(o, "tier", "tier1");
		compile_object(c, o, NULL);
	}
	one(c, "10,000 pods change a label", t, -1);
}

static void full_rounds(unsigned int rounds)
{
	double ms;

	for (unsigned int i = 0; i < rounds; i++) {
		struct compiler *c = full(&ms, i == 0);

		sample[nsample++] = ms;
		compile_free(c);
	}
	qsort(sample, nsample, sizeof(double), up);
	printf("figure full_ms %.1f %.1f %.1f\n", sample[nsample / 2], sample[0], sample[nsample - 1]);
	nsample = 0;
}

int main(int argc, char **argv)
{
	unsigned int n = 1000, rounds = 5;
	bool hostile = false;
	double base, ms;
	struct compiler *c;
	struct compile_counts counts;
	int opt;

	while ((opt = getopt(argc, argv, "p:n:l:i:r:2x")) != -1)
		switch (opt) {
		case 'p': world.pods = atoi(optarg); break;
		case 'n': world.policies = atoi(optarg); break;
		case 'l': world.local = atoi(optarg); break;
		case 'i': n = atoi(optarg); break;
		case 'r': rounds = atoi(optarg); break;
		case '2': world.dual = true; break;
		case 'x': hostile = true; break;
		default: return 2;
		}
	large_begin(&world);
	sample = calloc(n + rounds + 1, sizeof(double));
	full_rounds(rounds);
	malloc_trim(0);
	base = rss();
	c = full(&ms, false);
	numbers(c, base);
	compile_count(c, &counts);
	printf("figure held_mib %.1f %.1f %.1f\n", counts.bytes / 1048576.0, counts.bytes / 1048576.0, counts.bytes / 1048576.0);
	if (hostile) {
		selectors(c, base);
		blocks(c, 1000, base);
		blocks(c, 10000, base);
		many_policies(c, 1000, base);
		everybody(c);
	} else {
		printf("%-34s %9s %9s %9s   (us of CPU: median, 99th, most; settle: mean; stores of the commit: mean)\n", "event", "p50",
		       "p99", "max");
		events_pods(c, n);
		events_policies(c, n);
	}
	numbers(c, base);
	compile_free(c);
	free(sample);
	return 0;
}
