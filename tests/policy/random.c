// SPDX-License-Identifier: Apache-2.0
/*
 * Random worlds, random events, one law after each:
 *   - what the maps say equals what the objects say, verdict and author, enforced and would-be
 *   - after every single store each (endpoint, address) has its old or its new table, never none
 *   - the order's assertions of the image hold
 *   - a compiler started fresh, told the same objects in another order, gives an equal dump
 *   - when all is gone, all memory is
 *
 *	random [-s seed] [-n sequences] [-e events] [-v]
 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/policy/image.h"
#include "lib/policy/words.h"
#include "tests/check.h"
#include "tests/policy/world.h"

static const struct { unsigned char proto; unsigned short port; } probe[] = {
	{ 6, 80 }, { 6, 81 }, { 17, 53 }, { 17, 80 }, { 132, 80 }, { 6, 8080 }, { 6, 1003 }, { 6, 0 }, { 6, 65535 }, { 1, 0 },
	{ 17, 1999 },
};
#define PROBES (sizeof(probe) / sizeof(*probe))
#define ADDRESSES 64

struct run {
	struct world w;
	struct compiler *c;
	struct image *m;
	struct weir_addr at[ADDRESSES];
	unsigned int nat;
	struct compile_limits limits;
	__u64 before[WORLD_PODS][WEIR_DIRS][ADDRESSES], after[WORLD_PODS][WEIR_DIRS][ADDRESSES];
	__u64 (*states)[WORLD_PODS][WEIR_DIRS][ADDRESSES];
	unsigned int nstates, cstates;
	bool watching;
	char what[96];
};

static unsigned long cells, dumps, steps;

static void addresses(struct run *x)
{
	static const unsigned int outside[] = { 0xcb007105, 0xcb007175, 0x08080808, 0x0af40112, 0x0af40220, 0x0af40301,
						0xac1e0009, 0xac1e0000, 0xac1e0001, 0x0af80001, 0x0a640001 };

	x->nat = 0;
	for (int p = 0; p < WORLD_PODS; p++)
		for (unsigned int i = 0; x->w.pod[p] && i < x->w.pod[p]->o.pod.naddr; i++)
			x->at[x->nat++] = x->w.pod[p]->o.pod.addr[i];
	for (unsigned int i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		x->at[x->nat++] = addr4(outside[i]);
	x->at[x->nat++] = (struct weir_addr){ .byte = { 0x20, 1, 0x0d, 0xb8, [15] = 7 } };
	x->at[x->nat++] = addr6(0x9999);
}

static bool says_same(struct run *x, enum weir_dir d, const struct verdict *v, unsigned int rule, unsigned int verdict)
{
	struct compile_rule r;

	if (v->verdict != verdict)
		return false;
	if (v->rule)
		return v->rule == rule;
	return compile_rule_of(x->c, rule, &r) && r.dir == d && r.index == v->index && !strcmp(r.policy, v->policy->name) &&
	       !strcmp(r.ns, v->policy->ns);
}

static void judge_one(struct run *x, const struct object *pod, unsigned int e, enum weir_dir d, const struct weir_addr *at)
{
	if (world_stranger(&x->w, at)) {
		CHECK(WEIR_WORD_CLASS(image_word(x->m, at), d) == WEIR_CLASS_STRANGER, "%s: an unknown pod's address", x->what);
		return;
	}
	for (unsigned int k = 0; k < PROBES; k++) {
		struct verdict v, would;
		struct weir_said said;
		enum weir_reason why = image_says(x->m, e, d, at, probe[k].proto, probe[k].port, &said);

		cells++;
		if (why) {
			CHECK(false, "%s: %s/%s dir %d address ..%02x%02x: reason %d", x->what, pod->ns, pod->name, d, at->byte[14],
			      at->byte[15], why);
			return;
		}
		world_judge(&x->w, d, pod, at, probe[k].proto, probe[k].port, false, &v);
		world_judge(&x->w, d, pod, at, probe[k].proto, probe[k].port, true, &would);
		CHECK(says_same(x, d, &v, said.rule, said.verdict) && says_same(x, d, &would, said.audit_rule, said.audit),
		      "%s: %s/%s dir %d address ..%02x%02x %u/%u: maps %u by %u (would %u by %u), objects %u by %u %s %u (would %u)",
		      x->what, pod->ns, pod->name, d, at->byte[14], at->byte[15], probe[k].proto, probe[k].port, said.verdict,
		      said.rule, said.audit, said.audit_rule, v.verdict, v.rule, v.policy ? v.policy->name : "-", v.index,
		      would.verdict);
	}
}

static void check_naive(struct run *x)
{
	for (int p = 0; p < WORLD_PODS; p++) {
		const struct object *o = x->w.pod[p] ? &x->w.pod[p]->o : NULL;
		unsigned int e = o ? compile_endpoint(x->c, o->ns, o->name) : 0;
		bool local = o && world_live(o) && !strcmp(o->pod.node, "node0");

		CHECK(local == !!e, "%s: pod %d has an endpoint", x->what, p);
		for (int d = 0; e && local && d < WEIR_DIRS; d++)
			for (unsigned int i = 0; i < x->nat; i++)
				judge_one(x, o, e, d, &x->at[i]);
	}
}

/* old or new at every store */
static void snapshot(struct run *x, __u64 to[WORLD_PODS][WEIR_DIRS][ADDRESSES])
{
	for (int p = 0; p < WORLD_PODS; p++) {
		const struct object *o = x->w.pod[p] ? &x->w.pod[p]->o : NULL;
		unsigned int e = o ? compile_endpoint(x->c, o->ns, o->name) : 0;

		for (int d = 0; d < WEIR_DIRS; d++)
			for (unsigned int i = 0; i < x->nat; i++)
				to[p][d][i] = e ? image_meaning(x->m, x->c, e, d, &x->at[i]) : 0;
	}
}

static int each(void *ctx, const struct op *op)
{
	struct run *x = ctx;

	if (!x->watching)
		return 0;
	if (x->nstates == x->cstates) {
		x->cstates = x->cstates * 2 + 16;
		x->states = realloc(x->states, x->cstates * sizeof(*x->states));
	}
	snapshot(x, x->states[x->nstates++]);
	return 0;
}

static bool own(const struct run *x, int p, unsigned int i)
{
	for (unsigned int k = 0; k < x->w.pod[p]->o.pod.naddr; k++)
		if (!memcmp(&x->w.pod[p]->o.pod.addr[k], &x->at[i], 16))
			return true;
	return false;
}

static void check_steps(struct run *x)
{
	for (unsigned int s = 0; s < x->nstates; s++)
		for (int p = 0; p < WORLD_PODS; p++)
			for (int d = 0; x->w.pod[p] && d < WEIR_DIRS; d++)
				for (unsigned int i = 0; i < x->nat; i++) {
					__u64 v = x->states[s][p][d][i];

					steps++;
					if (v == x->before[p][d][i] || v == x->after[p][d][i] || own(x, p, i))
						continue;
					CHECK(false, "%s: neither old nor new after store %u of %u: pod %d dir %d address %u: %llx, was %llx, is %llx",
					      x->what, s, x->nstates, p, d, i, v, x->before[p][d][i], x->after[p][d][i]);
					return;
				}
}

/* a fresh compiler */
static char *dump(struct image *m, struct compiler *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	image_dump(m, c, f);
	fclose(f);
	return text;
}

static const struct object *nth(const struct run *x, unsigned int n)
{
	const struct made *m;

	if (n < WORLD_SPACES)
		m = x->w.ns[n];
	else if ((n -= WORLD_SPACES) < WORLD_PODS)
		m = x->w.pod[n];
	else if ((n -= WORLD_PODS) < WORLD_NODES)
		m = x->w.node[n];
	else
		m = x->w.policy[n - WORLD_NODES];
	return m ? &m->o : NULL;
}
#define OBJECTS (WORLD_SPACES + WORLD_PODS + WORLD_NODES + WORLD_POLICIES)

static void diff(const char *a, const char *b)
{
	while (*a && *b) {
		size_t n = strcspn(a, "\n"), k = strcspn(b, "\n");

		if (n != k || memcmp(a, b, n)) {
			printf("  incremental: %.*s\n  fresh:       %.*s\n", (int)n, a, (int)k, b);
			return;
		}
		a += n + 1;
		b += k + 1;
	}
	printf("  one is longer: %.200s%.200s\n", a, b);
}

static void check_fresh(struct run *x)
{
	struct compiler *c;
	struct image *m;
	unsigned int order[OBJECTS];
	char *a, *b;

	image_new(&m);
	image_strict(m);
	compile_new(&c, NULL, image_op, m);
	compile_node_name(c, "node0");
	compile_set_mode(c, x->w.mode);
	for (unsigned int i = 0; i < OBJECTS; i++) {
		unsigned int j = rnd(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned int i = 0; i < OBJECTS; i++) {
		const struct object *o = nth(x, order[i]);

		if (o)
			compile_object(c, o, NULL);
		if (chance(10))
			compile_commit(c, NULL);
		if (chance(5))
			compile_finish(c);
	}
	compile_commit(c, NULL);
	compile_finish(c);
	a = dump(x->m, x->c);
	b = dump(m, c);
	dumps++;
	CHECK(!strcmp(a, b), "%s: incremental is fresh", x->what);
	if (strcmp(a, b))
		diff(a, b);
	CHECK(!image_error(m), "%s: fresh: %s", x->what, image_error(m));
	free(a);
	free(b);
	compile_free(c);
	image_free(m);
}

/* events */
static void take(struct run *x, struct made **at, struct made *now)
{
	if (*at && (!now || strcmp((*at)->o.ns, now->o.ns) || (*at)->o.kind != now->o.kind))
		compile_gone(x->c, (*at)->o.kind, (*at)->o.ns, (*at)->o.name);
	if (now)
		compile_object(x->c, &now->o, NULL);
	made_free(*at);
	*at = now;
}

static void event(struct run *x)
{
	unsigned int k = rnd(100), p = rnd(WORLD_PODS), n = rnd(WORLD_POLICIES), s = rnd(WORLD_SPACES);

	if (k < 25) {
		take(x, &x->w.pod[p], world_pod(&x->w, p));
	} else if (k < 40) {
		if (x->w.pod[p])
			take(x, &x->w.pod[p], world_relabelled(x->w.pod[p]));
	} else if (k < 50) {
		take(x, &x->w.pod[p], NULL);
	} else if (k < 60) {
		take(x, &x->w.ns[s], chance(85) ? world_space(s) : NULL);
	} else if (k < 64) {
		take(x, &x->w.node[p % WORLD_NODES], chance(85) ? world_node(&x->w, p % WORLD_NODES) : NULL);
	} else if (k < 66) {
		compile_set_mode(x->c, x->w.mode = rnd(3));
	} else if (k < 90) {
		take(x, &x->w.policy[n], world_policy(n));
	} else {
		take(x, &x->w.policy[n], NULL);
	}
}

static void commit(struct run *x, bool one)
{
	int err;

	addresses(x);
	snapshot(x, x->before);
	x->nstates = 0;
	x->watching = one;
	err = compile_commit(x->c, NULL);
	x->watching = false;
	CHECK(!err, "%s: commit", x->what);
	snapshot(x, x->after);
	if (one)
		check_steps(x);
	if (chance(70)) {
		image_grace(x->m);
		x->watching = one;
		x->nstates = 0;
		snapshot(x, x->before);
		compile_settle(x->c);
		if (chance(70))
			compile_swept(x->c, compile_sweep_mark(x->c), NULL);
		x->watching = false;
		snapshot(x, x->after);
		check_steps(x);
	}
}

static void forget(struct run *x)
{
	for (unsigned int i = 0; i < OBJECTS; i++) {
		const struct object *o = nth(x, i);

		if (o)
			compile_gone(x->c, o->kind, o->ns, o->name);
	}
	compile_commit(x->c, NULL);
	compile_finish(x->c);
}

static void sequence(unsigned int seed, unsigned int events)
{
	struct run *x = calloc(1, sizeof(*x));
	struct compile_counts n;

	world_seed(seed * 1000003ULL + 17);
	image_new(&x->m);
	image_strict(x->m);
	image_watch(x->m, each, x);
	compile_new(&x->c, NULL, image_op, x->m);
	compile_node_name(x->c, "node0");
	compile_commit(x->c, NULL);
	for (unsigned int e = 0; e < events && !check_failed; e++) {
		unsigned int several = chance(80) ? 1 : 2 + rnd(3);

		snprintf(x->what, sizeof(x->what), "seed %u event %u", seed, e);
		for (unsigned int i = 0; i < several; i++)
			event(x);
		commit(x, several == 1);
		CHECK(!image_error(x->m), "%s: %s", x->what, image_error(x->m));
		if (chance(25)) {
			compile_finish(x->c);
			addresses(x);
			check_naive(x);
			check_fresh(x);
		}
	}
	forget(x);
	compile_count(x->c, &n);
	CHECK(!n.pods && !n.policies && !n.sets && !n.rules && !n.cells && n.prefixes == 2 && !n.addresses && n.tables == 0,
	      "seed %u: all gone: pods %u policies %u sets %u rules %u cells %u prefixes %u addresses %u tables %u", seed, n.pods,
	      n.policies, n.sets, n.rules, n.cells, n.prefixes, n.addresses, n.tables);
	compile_free(x->c);
	CHECK(!words_bytes(), "seed %u: %zu bytes are still held", seed, words_bytes());
	image_free(x->m);
	world_free(&x->w);
	free(x->states);
	free(x);
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, n = 60, events = 40;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:e:")) != -1)
		switch (opt) {
		case 's': seed = atoi(optarg); break;
		case 'n': n = atoi(optarg); break;
		case 'e': events = atoi(optarg); break;
		}
	for (unsigned int i = 0; i < n && !check_failed; i++)
		sequence(seed + i, events);
	printf("%lu verdicts, %lu dumps compared, %lu steps\n", cells, dumps, steps);
	return check_done();
}
