// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Any bytes as manifests: an object or a complaint each, objects keep what lib/netpol/object.h promises, the
 * same text reads to the same objects, and every rule can be worded and explained.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/read.h"
#include "lib/policy/explain.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT 32
struct kept {
	struct object *o[KEPT];
	unsigned int n;
	uint64_t digest;
};

static void mix(struct kept *k, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		k->digest = (k->digest ^ ((const uint8_t *)p)[i]) * 1099511628211u;
}

static void mix_text(struct kept *k, const char *s)
{
	REQUIRE(s);
	mix(k, s, strlen(s) + 1);
}

static void check_labels(struct kept *k, const struct labels *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		REQUIRE(!i || strcmp(l->v[i - 1].key, l->v[i].key) < 0);
		REQUIRE(labels_get(l, l->v[i].key) == l->v[i].value);
		mix_text(k, l->v[i].key);
		mix_text(k, l->v[i].value);
	}
}

static void check_selector(struct kept *k, const struct selector *s, const struct labels *l)
{
	for (unsigned int i = 0; i < s->n; i++) {
		const struct requirement *q = &s->v[i];

		mix_text(k, q->key);
		REQUIRE((q->op <= OP_NOT_IN) == (q->n > 0));
		for (unsigned int j = 0; j < q->n; j++) {
			REQUIRE(!j || strcmp(q->value[j - 1], q->value[j]) < 0);
			mix_text(k, q->value[j]);
		}
	}
	selector_matches(s, l);
}

static void check_prefix(struct kept *k, const struct weir_prefix *p)
{
	struct weir_addr a = p->addr;
	char text[ADDR_TEXT_SIZE];
	struct weir_prefix again;

	REQUIRE(p->length <= 128);
	REQUIRE(!prefix_parse(prefix_text(p, text), &again) && again.length == p->length);
	REQUIRE(prefix_covers(p, &a));
	mix_text(k, text);
}

static void check_rule(struct kept *k, const struct object *o, const struct rule *r)
{
	mix_text(k, r->name);
	REQUIRE(r->any_peer == !r->npeer && r->any_port == !r->nport);
	for (unsigned int i = 0; i < r->npeer; i++) {
		const struct peer *p = &r->peer[i];

		check_selector(k, &p->namespaces, &o->labels);
		check_selector(k, &p->pods, &o->labels);
		REQUIRE(p->kind == PEER_BLOCK || !p->nexcept);
		if (p->kind == PEER_BLOCK)
			check_prefix(k, &p->block);
		for (unsigned int j = 0; j < p->nexcept; j++) {
			struct weir_addr first = p->except[j].addr;

			check_prefix(k, &p->except[j]);
			REQUIRE(p->except[j].length > p->block.length && prefix_covers(&p->block, &first));
		}
	}
	for (unsigned int i = 0; i < r->nport; i++)
		REQUIRE(r->port[i].name ? *r->port[i].name : r->port[i].first <= r->port[i].last && r->port[i].proto);
}

static void check_policy(struct kept *k, const struct object *o)
{
	const struct policy *p = &o->policy;

	REQUIRE((o->kind == OBJECT_POLICY) == (p->tier == TIER_NETPOL) && p->priority <= 1000);
	check_selector(k, &p->subject_namespaces, &o->labels);
	check_selector(k, &p->subject_pods, &o->labels);
	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		REQUIRE(p->applies[dir] || !p->nrule[dir]);
		for (unsigned int i = 0; i < p->nrule[dir]; i++) {
			char text[300];

			check_rule(k, o, &p->rule[dir][i]);
			explain_rule_text(o, dir, i, text, sizeof(text));
			mix_text(k, text);
		}
	}
}

static void check_object(struct kept *k, const struct object *o)
{
	REQUIRE(o->kind < OBJECT_KINDS && *o->name && o->line);
	mix_text(k, o->ns);
	mix_text(k, o->name);
	check_labels(k, &o->labels);
	if (o->kind == OBJECT_POLICY || o->kind == OBJECT_CLUSTER_POLICY)
		check_policy(k, o);
	if (o->kind == OBJECT_POD) {
		mix_text(k, o->pod.interface);
		mix_text(k, o->pod.owner_name);
		mix(k, o->pod.addr, o->pod.naddr * sizeof(*o->pod.addr));
		for (unsigned int i = 0; i < o->pod.nport; i++)
			mix_text(k, o->pod.port[i].name);
	}
	for (unsigned int i = 0; o->kind == OBJECT_NAMESPACE && i < o->namespace.ngrant; i++)
		check_prefix(k, &o->namespace.grant[i]);
}

static int each(void *ctx, struct object *o, const struct complaint *why)
{
	struct kept *k = ctx;

	REQUIRE(!o != !why);
	if (why) {
		REQUIRE(*why->text && why->line);
		mix_text(k, why->text);
		return 0;
	}
	check_object(k, o);
	if (k->n < KEPT)
		k->o[k->n++] = o;
	else
		object_free(o);
	return 0;
}

/* Each pod against each, in a port that most corpora name. */
static void explain(const struct kept *k)
{
	const struct object *policy[KEPT];
	struct explain_end end[KEPT + 1] = { 0 };
	unsigned int npolicy = 0, nend = 1;
	struct explain_miss miss;
	char text[200];

	for (unsigned int i = 0; i < k->n; i++) {
		if (k->o[i]->kind == OBJECT_POD) {
			end[nend].pod = k->o[i];
			end[nend++].addr = k->o[i]->pod.naddr ? k->o[i]->pod.addr[0] : (struct weir_addr){ 0 };
		}
		if (k->o[i]->kind == OBJECT_POLICY || k->o[i]->kind == OBJECT_CLUSTER_POLICY)
			policy[npolicy++] = k->o[i];
	}
	for (unsigned int i = 0; i < nend; i++)
		for (unsigned int j = 0; j < nend; j++)
			for (int dir = 0; dir < WEIR_DIRS; dir++) {
				if (explain_miss(policy, npolicy, dir, &end[i], &end[j], 6, 80, &miss))
					REQUIRE(miss.score && *miss.text && miss.index < miss.policy->policy.nrule[dir]);
				explain_isolating(policy, npolicy, dir, &end[i], text, sizeof(text));
			}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kept first = { .n = 0 }, again = { .n = 0 };

	read_manifests((const char *)data, size, "fuzz.yaml", each, &first);
	read_manifests((const char *)data, size, "fuzz.yaml", each, &again);
	REQUIRE(first.digest == again.digest && first.n == again.n);
	explain(&first);
	while (first.n)
		object_free(first.o[--first.n]);
	while (again.n)
		object_free(again.o[--again.n]);
	return 0;
}
