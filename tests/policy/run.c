// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "tests/check.h"
#include "tests/policy/run.h"

unsigned long run_cells, run_dumps, run_steps;

void run_check(bool ok, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CHECK(ok, "%s", text);
}

bool run_failed(void)
{
	return check_failed;
}

int run_done(void)
{
	printf("%lu verdicts, %lu dumps compared, %lu steps\n", run_cells, run_dumps, run_steps);
	return check_done();
}

static const struct { unsigned char proto; unsigned short port; } probe[] = {
	{ 6, 80 }, { 6, 81 }, { 17, 53 }, { 17, 80 }, { 132, 80 }, { 6, 8080 }, { 6, 1003 }, { 6, 0 }, { 6, 65535 }, { 1, 0 },
	{ 17, 1999 },
};
#define PROBES (sizeof(probe) / sizeof(*probe))

void run_addresses(struct run *x)
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
	if (x->tight && (WEIR_WORD_CLASS(image_word(x->m, at), d) == WEIR_CLASS_OVER ||
			 (world_owner(&x->w, at) && WEIR_WORD_FLAGS(image_word(x->m, at)) & WEIR_WORD_PREFIX)))
		return;				/* no class, or no room for its entry */
	if (world_stranger(&x->w, at)) {
		if (x->tight)
			return;
		CHECK(WEIR_WORD_CLASS(image_word(x->m, at), d) == WEIR_CLASS_STRANGER, "%s: an unknown pod's address", x->what);
		return;
	}
	for (unsigned int k = 0; k < PROBES; k++) {
		struct verdict v, would;
		struct weir_said said;
		enum weir_reason why = image_says(x->m, e, d, at, probe[k].proto, probe[k].port, &said);

		run_cells++;
		if (why == WEIR_NO_CLASS && x->tight)
			return;
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

void run_check_naive(struct run *x)
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
void run_snapshot(struct run *x, __u64 to[WORLD_PODS][WEIR_DIRS][RUN_ADDRESSES])
{
	for (int p = 0; p < WORLD_PODS; p++) {
		const struct object *o = x->w.pod[p] ? &x->w.pod[p]->o : NULL;
		unsigned int e = o ? compile_endpoint(x->c, o->ns, o->name) : 0;

		for (int d = 0; d < WEIR_DIRS; d++)
			for (unsigned int i = 0; i < x->nat; i++)
				to[p][d][i] = e ? image_meaning(x->m, x->c, e, d, &x->at[i]) : 0;
	}
}

int run_each(void *ctx, const struct op *op)
{
	struct run *x = ctx;

	if (!x->watching)
		return 0;
	if (x->nstates == x->cstates) {
		x->cstates = x->cstates * 2 + 16;
		x->states = realloc(x->states, x->cstates * sizeof(*x->states));
	}
	run_snapshot(x, x->states[x->nstates++]);
	return 0;
}

static bool own(const struct run *x, int p, unsigned int i)
{
	for (unsigned int k = 0; k < x->w.pod[p]->o.pod.naddr; k++)
		if (!memcmp(&x->w.pod[p]->o.pod.addr[k], &x->at[i], 16))
			return true;
	return false;
}

void run_check_steps(struct run *x)
{
	for (unsigned int s = 0; s < x->nstates; s++)
		for (int p = 0; p < WORLD_PODS; p++)
			for (int d = 0; x->w.pod[p] && d < WEIR_DIRS; d++)
				for (unsigned int i = 0; i < x->nat; i++) {
					__u64 v = x->states[s][p][d][i];

					run_steps++;
					if (x->several && !x->stays[i])
						continue;
					if (v == x->before[p][d][i] || v == x->after[p][d][i] || own(x, p, i) ||
					    (x->closed && v == x->closed && x->before[p][d][i] == WEIR_STRANGER))
						continue;
					CHECK(false, "%s: neither old nor new after store %u of %u: pod %d dir %d address %u: %llx, was %llx, is %llx",
					      x->what, s, x->nstates, p, d, i, v, x->before[p][d][i], x->after[p][d][i]);
					return;
				}
}

/* a fresh compiler */
char *run_dump(struct image *m, struct compiler *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	image_dump(m, c, f);
	fclose(f);
	return text;
}

const struct object *run_object(const struct run *x, unsigned int n)
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

void run_check_fresh(struct run *x)
{
	struct compiler *c;
	struct image *m;
	unsigned int order[RUN_OBJECTS];
	char *a, *b;

	image_new(&m);
	image_strict(m);
	compile_new(&c, NULL, image_op, m);
	compile_node_name(c, "node0");
	compile_set_mode(c, x->w.mode);
	for (unsigned int i = 0; i < RUN_OBJECTS; i++) {
		unsigned int j = rnd(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned int i = 0; i < RUN_OBJECTS; i++) {
		const struct object *o = run_object(x, order[i]);

		if (o)
			compile_object(c, o, NULL);
		if (chance(10))
			compile_commit(c, NULL);
		if (chance(5))
			compile_finish(c);
	}
	compile_commit(c, NULL);
	compile_finish(c);
	a = run_dump(x->m, x->c);
	b = run_dump(m, c);
	run_dumps++;
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

/* With limits so tight that much is refused, a policy's last good version is needed again. */
static void keep(struct run *x, struct made **at)
{
	unsigned int n = at - x->w.policy;

	if (!x->tight || n >= WORLD_POLICIES || x->changed[n]) {
		made_free(*at);
		return;
	}
	x->kept[n] = *at;
	x->changed[n] = true;
}

static bool is_refused(const struct run *x, const char *name)
{
	struct compile_refusal r;

	for (unsigned int i = 0; compile_refused(x->c, i, &r); i++)
		if (!strcmp(r.name, name))
			return true;
	return false;
}

static void put_back(struct run *x)
{
	for (unsigned int n = 0; n < WORLD_POLICIES; n++) {
		const char *name = x->w.policy[n] ? x->w.policy[n]->o.name : x->kept[n] ? x->kept[n]->o.name : "";

		if (!x->changed[n])
			continue;
		if (is_refused(x, name)) {
			made_free(x->w.policy[n]);
			x->w.policy[n] = x->kept[n];
			x->refused++;
		} else {
			made_free(x->kept[n]);
		}
		x->kept[n] = NULL;
		x->changed[n] = false;
	}
}

static void take(struct run *x, struct made **at, struct made *now)
{
	if (*at && (!now || strcmp((*at)->o.ns, now->o.ns) || (*at)->o.kind != now->o.kind))
		compile_gone(x->c, (*at)->o.kind, (*at)->o.ns, (*at)->o.name);
	if (now)
		compile_object(x->c, &now->o, NULL);
	keep(x, at);
	*at = now;
}

void run_event(struct run *x)
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

void run_commit(struct run *x, bool one)
{
	struct compile_counts n, was;
	struct compile_report r;
	int err;

	run_addresses(x);
	run_snapshot(x, x->before);
	x->nstates = 0;
	x->watching = true;
	x->several = !one;
	for (unsigned int i = 0; i < x->nat; i++)
		x->stays[i] = world_owner(&x->w, &x->at[i]) && !(WEIR_WORD_FLAGS(image_word(x->m, &x->at[i])) & WEIR_WORD_PREFIX);
	compile_count(x->c, &was);
	err = compile_commit(x->c, &r);
	compile_count(x->c, &n);
	x->watching = false;
	x->held = r.held;
	CHECK(!err || x->tight, "%s: commit", x->what);
	put_back(x);
	run_snapshot(x, x->after);
	if (n.over == was.over)		/* whoever is let in as room comes free is one event more */
		run_check_steps(x);
	if (chance(70)) {
		image_grace(x->m);
		x->watching = true;
		x->several = false;
		x->nstates = 0;
		run_snapshot(x, x->before);
		compile_settle(x->c);
		if (chance(70))
			compile_swept(x->c, compile_sweep_mark(x->c), NULL);
		x->watching = false;
		run_snapshot(x, x->after);
		run_check_steps(x);
	}
}

void run_forget(struct run *x)
{
	for (unsigned int i = 0; i < RUN_OBJECTS; i++) {
		const struct object *o = run_object(x, i);

		if (o)
			compile_gone(x->c, o->kind, o->ns, o->name);
	}
	compile_commit(x->c, NULL);
	compile_finish(x->c);
}
