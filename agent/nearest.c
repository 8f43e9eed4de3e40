// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cluster.h"
#include "agent/nearest.h"

struct kept_answer {
	struct nearest_key key;
	char text[512];
};

struct nearest {
	unsigned int left;		/* that may be worked out yet */
	struct kept_answer answer[NEAREST_KEPT];
};

int nearest_new(struct nearest **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void nearest_free(struct nearest *n)
{
	free(n);
}

void nearest_breathe(struct nearest *n)
{
	n->left = NEAREST_AT_ONCE;
}

uint32_t nearest_hash(const struct nearest_key *key)
{
	const unsigned char *p = (const void *)key;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 16777619U;
	return h ^ h >> 16;
}

bool nearest_key(const struct agent *a, const struct record *r, struct nearest_key *key)
{
	if (r->kind != WEIR_REC_DENIED || (r->reason != WEIR_NO_RULE && r->reason != WEIR_DENIED && r->reason != WEIR_CLOSED &&
					   r->reason != WEIR_CUT))
		return false;
	memset(key, 0, sizeof(*key));
	key->src = r->src;
	key->dst = r->dst;
	memcpy(key->name, r->name, sizeof(key->name));
	key->generation = datapath_view(a->datapath)->control->generation;
	key->port = r->dport;
	key->proto = r->proto;
	key->dir = r->flags & WEIR_REC_EGRESS ? WEIR_EGRESS : WEIR_INGRESS;
	key->reason = r->reason;
	return true;
}

/* The ends are still who they were. */
static bool is_worth_it(const struct agent *a, const struct record *r)
{
	return names_at(a->names, &r->src) == r->name[WEIR_EGRESS] && names_at(a->names, &r->dst) == r->name[WEIR_INGRESS];
}

static void between(const struct agent *a, const struct record *r, enum weir_dir dir, const struct end *src,
		    const struct end *dst, struct nearest_answer *out)
{
	const struct end *judged = dir == WEIR_EGRESS ? src : dst;
	struct policy_list policies;
	struct explain_miss miss;

	if (policies_in_force(a, NAME_NS(judged->name), &policies))
		return;
	if (explain_miss(policies.v, policies.n, dir, &src->explain, &dst->explain, r->proto, r->dport, &miss))
		snprintf(out->text, sizeof(out->text), "%s", miss.text);
	if (r->reason == WEIR_NO_RULE)
		explain_isolating(policies.v, policies.n, dir, &judged->explain, out->isolating, sizeof(out->isolating));
	policies_drop(&policies);
}

void nearest_work(const struct agent *a, const struct record *r, struct nearest_answer *out)
{
	struct nearest_key key;
	struct end src, dst;

	out->text[0] = out->isolating[0] = '\0';
	if (!nearest_key(a, r, &key) || !is_worth_it(a, r) || end_of_address(a, &r->src, &src))
		return;
	if (!end_of_address(a, &r->dst, &dst))
		between(a, r, key.dir, &src, &dst, out);
	end_drop(&src);
	end_drop(&dst);
}

const char *nearest_miss(struct nearest *n, const struct agent *a, const struct record *r)
{
	struct nearest_answer answer;
	struct nearest_key key;
	struct kept_answer *k;

	if (!nearest_key(a, r, &key) || !is_worth_it(a, r))
		return "";
	k = &n->answer[nearest_hash(&key) % NEAREST_KEPT];
	if (!memcmp(&k->key, &key, sizeof(key)))
		return k->text;
	if (!n->left)
		return "";
	n->left--;
	k->key = key;
	nearest_work(a, r, &answer);
	snprintf(k->text, sizeof(k->text), "%s", answer.text);
	return k->text;
}
