// SPDX-License-Identifier: Apache-2.0
/*
 * A killed agent and the next, which may be killed as well: random events; the commit is cut off after each of its stores in turn, a new compiler
 * adopts what the maps hold and is told the objects as they are.  At every store of the adopting commit, and of the
 * settling after it, each (endpoint, address) has its old table or its new one; then the maps say what the objects
 * say, endpoints and rules have the numbers they had, and the dump is that of a fresh compiler.
 *
 *	adopt [-s seed] [-n sequences] [-e events]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/policy/run.h"

#define RULES 2048

struct names {			/* what an agent writes down */
	struct compile_adopted_rule rule[RULES];
	struct compile_adopted_endpoint endpoint[64];
	unsigned int nrule, nendpoint;
};

static unsigned int budget;	/* stores until the agent dies; 0: it lives */
static unsigned int stores;

static int mortal(void *ctx, const struct op *op)
{
	stores++;
	return budget && stores == budget ? -EINTR : 0;
}

static void names_take(struct names *n, const struct run *x)
{
	struct compile_rule r;

	memset(n, 0, sizeof(*n));
	for (unsigned int i = 16; i < RULES; i++)
		if (compile_rule_of(x->c, i, &r)) {
			r.ns = strdup(r.ns);
			r.policy = strdup(r.policy);
			r.name = strdup(r.name);
			r.text = strdup(r.text);
			n->rule[n->nrule++] = (struct compile_adopted_rule){ i, r };
		}
	for (unsigned int e = 1; e < 64; e++) {
		struct compile_adopted_endpoint *to = &n->endpoint[n->nendpoint];
		const char *ns = "", *pod = "";

		for (int d = 0; d < WEIR_DIRS; d++)
			to->set[d] = image_set(x->m, e, d);
		if (!to->set[0].limit && !to->set[1].limit)
			continue;
		compile_endpoint_name(x->c, e, &ns, &pod);
		to->number = e;
		to->ns = strdup(ns);
		to->pod = strdup(pod);
		n->nendpoint++;
	}
}

static void names_free(struct names *n)
{
	for (unsigned int i = 0; i < n->nrule; i++) {
		free((char *)n->rule[i].rule.ns);
		free((char *)n->rule[i].rule.policy);
		free((char *)n->rule[i].rule.name);
		free((char *)n->rule[i].rule.text);
	}
	for (unsigned int i = 0; i < n->nendpoint; i++) {
		free((char *)n->endpoint[i].ns);
		free((char *)n->endpoint[i].pod);
	}
}

static const struct compile_adopted_endpoint *endpoint_named(const struct names *n, const struct object *pod)
{
	for (unsigned int i = 0; i < n->nendpoint; i++)
		if (!strcmp(n->endpoint[i].ns, pod->ns) && !strcmp(n->endpoint[i].pod, pod->name))
			return &n->endpoint[i];
	return NULL;
}

static void check_numbers(const struct run *x, const struct names *n)
{
	for (int p = 0; p < WORLD_PODS; p++) {
		const struct object *o = x->w.pod[p] ? &x->w.pod[p]->o : NULL;
		const struct compile_adopted_endpoint *had = o ? endpoint_named(n, o) : NULL;
		unsigned int now = o ? compile_endpoint(x->c, o->ns, o->name) : 0;

		if (had && now)
			run_check(had->number == now, "%s: %s keeps endpoint %u, not %u", x->what, o->name, had->number, now);
	}
	for (unsigned int i = 0; i < n->nrule; i++) {
		const struct compile_rule *r = &n->rule[i].rule;

		for (unsigned int k = 16; k < RULES; k++) {
			struct compile_rule now;

			if (compile_rule_of(x->c, k, &now) && !strcmp(now.policy, r->policy) && !strcmp(now.ns, r->ns) &&
			    !strcmp(now.text, r->text) && !strcmp(now.name, r->name) && now.index == r->index && now.dir == r->dir &&
			    now.tier == r->tier)
				run_check(k == n->rule[i].number, "%s: rule '%s' keeps number %u, not %u", x->what, r->text,
					  n->rule[i].number, k);
		}
	}
}

/* The next agent. */
static void successor(struct run *x, struct names *n)
{
	struct compile_adopted old;

	compile_free(x->c);
	image_adopted(x->m, &old);
	old.endpoint = n->endpoint;
	old.nendpoint = n->nendpoint;
	old.rule = n->rule;
	old.nrule = n->nrule;
	for (unsigned int i = 0; i < n->nendpoint; i++)
		for (int d = 0; d < WEIR_DIRS; d++)
			n->endpoint[i].set[d] = image_set(x->m, n->endpoint[i].number, d);
	compile_new(&x->c, NULL, image_op, x->m);
	compile_node_name(x->c, "node0");
	compile_set_mode(x->c, x->w.mode);
	run_check(!compile_adopt(x->c, &old), "%s: adopts", x->what);
	for (unsigned int i = 0; i < RUN_OBJECTS; i++) {
		unsigned int k = (i * 11 + n->nrule) % RUN_OBJECTS;

		if (run_object(x, k))
			compile_object(x->c, run_object(x, k), NULL);
	}
}

static void watched(struct run *x, int (*deed)(struct run *))
{
	x->nstates = 0;
	x->watching = true;
	image_watch(x->m, run_each, x);
	run_check(!deed(x), "%s: goes through", x->what);
	x->watching = false;
	run_snapshot(x, x->after);
	run_check_steps(x);
	run_check(!image_error(x->m), "%s: %s", x->what, image_error(x->m));
}

static int commit(struct run *x)
{
	return compile_commit(x->c, NULL);
}

static int settle(struct run *x)
{
	image_grace(x->m);
	return compile_settle(x->c);
}

/* The next agent is killed too, somewhere in its adopting commit. */
static void successor_dies(struct run *x, struct names *n)
{
	struct names more;

	stores = 0;
	budget = 1 + rnd(60);
	image_watch(x->m, mortal, NULL);
	compile_commit(x->c, NULL);
	image_watch(x->m, NULL, NULL);
	budget = 0;
	run_check(!image_error(x->m), "%s: dying: %s", x->what, image_error(x->m));
	names_take(&more, x);
	names_free(n);
	*n = more;
	successor(x, n);
}

/* What a pod says that policies isolate and no rule opens. */
static __u64 closed(void)
{
	struct policy p = { .tier = TIER_NETPOL, .applies = { true, true } };
	struct weir_addr at = addr4(0x0a000001), peer = addr4(0x0a000002);
	const struct object pod = { .kind = OBJECT_POD, .ns = "a", .name = "b", .pod = { .node = "", .addr = &at, .naddr = 1 } };
	const struct object policy = { .kind = OBJECT_POLICY, .ns = "a", .name = "c", .policy = p };
	struct compiler *c;
	struct image *m;
	__u64 out;

	image_new(&m);
	compile_new(&c, NULL, image_op, m);
	compile_all_local(c);
	compile_object(c, &pod, NULL);
	compile_object(c, &policy, NULL);
	compile_commit(c, NULL);
	out = image_meaning(m, c, compile_endpoint(c, "a", "b"), WEIR_INGRESS, &peer);
	compile_free(c);
	image_free(m);
	return out;
}

/* So many commits that live, and what one more would bring. */
static void grow(struct run *x, unsigned int events)
{
	for (unsigned int e = 0; e < events; e++) {
		unsigned int several = 1 + rnd(3);

		for (unsigned int i = 0; i < several; i++)
			run_event(x);
		compile_commit(x->c, NULL);
		if (chance(60))
			compile_finish(x->c);
	}
	for (unsigned int i = 0, several = 1 + rnd(2); i < several; i++)
		run_event(x);
}

/* What comes after a death: its tables are taken over, once or by several one after the other, and changed on. */
static void adopted(struct run *x, struct names *n)
{
	image_watch(x->m, NULL, NULL);
	successor(x, n);
	for (int again = 0; again < 2 && chance(40); again++)
		successor_dies(x, n);
	run_snapshot(x, x->before);	/* as found (random.c holds that to be old or new), by the names known now */
	watched(x, commit);
	memcpy(x->before, x->after, sizeof(x->before));
	check_numbers(x, n);
	watched(x, settle);
	compile_finish(x->c);
	run_check_naive(x);
	run_check_fresh(x);
}

/* Play a world from its seed up to an event whose commit dies after 'at' stores; how many it would have had. */
static unsigned int life(unsigned int seed, unsigned int events, unsigned int at)
{
	struct run *x = calloc(1, sizeof(*x));
	struct names n;

	x->closed = closed();
	world_seed(seed * 1000003ULL + 29);
	snprintf(x->what, sizeof(x->what), "seed %u, killed after store %u", seed, at);
	image_new(&x->m);
	image_strict(x->m);
	compile_new(&x->c, NULL, image_op, x->m);
	compile_node_name(x->c, "node0");
	budget = 0;
	grow(x, events);
	run_addresses(x);
	run_snapshot(x, x->before);
	stores = 0;
	budget = at;
	image_watch(x->m, mortal, NULL);
	compile_commit(x->c, NULL);
	budget = 0;
	names_take(&n, x);		/* an agent writes names down before it publishes numbers */
	if (at)
		adopted(x, &n);
	names_free(&n);
	compile_free(x->c);
	image_free(x->m);
	world_free(&x->w);
	free(x->states);
	free(x);
	return stores;
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, n = 8, events = 12, deaths = 0;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:e:")) != -1)
		switch (opt) {
		case 's': seed = atoi(optarg); break;
		case 'n': n = atoi(optarg); break;
		case 'e': events = atoi(optarg); break;
		}
	for (unsigned int i = 0; i < n && !run_failed(); i++) {
		unsigned int all = life(seed + i, events, 0);

		for (unsigned int at = 1; at <= all && !run_failed(); at++, deaths++)
			life(seed + i, events, at);
	}
	printf("%u deaths\n", deaths);
	return run_done();
}
