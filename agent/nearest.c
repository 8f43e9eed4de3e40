// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cluster.h"
#include "agent/nearest.h"

/* What an answer depends on. */
struct key {
	struct weir_addr src, dst;
	uint32_t name[WEIR_DIRS];
	uint32_t generation;
	uint16_t port;
	uint8_t proto, dir;
};

struct kept_answer {
	struct key key;
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

static struct kept_answer *place_of(struct nearest *n, const struct key *key)
{
	const unsigned char *p = (const void *)key;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * 16777619U;
	return &n->answer[(h ^ h >> 16) % NEAREST_KEPT];
}

static void work_out(const struct agent *a, const struct key *key, char *text, size_t size)
{
	struct policy_list policies;
	struct explain_miss miss;
	struct end src, dst, *judged = key->dir == WEIR_EGRESS ? &src : &dst;

	*text = '\0';
	if (end_of_address(a, &key->src, &src))
		return;
	if (!end_of_address(a, &key->dst, &dst) && !policies_in_force(a, NAME_NS(judged->name), &policies)) {
		if (explain_miss(policies.v, policies.n, key->dir, &src.explain, &dst.explain, key->proto, key->port, &miss))
			snprintf(text, size, "%s", miss.text);
		policies_drop(&policies);
	}
	end_drop(&src);
	end_drop(&dst);
}

/* Policy said no, and the ends are still who they were. */
static bool is_worth_it(const struct agent *a, const struct record *r)
{
	return r->kind == WEIR_REC_DENIED &&
	       (r->reason == WEIR_NO_RULE || r->reason == WEIR_DENIED || r->reason == WEIR_CLOSED || r->reason == WEIR_CUT) &&
	       names_at(a->names, &r->src) == r->name[WEIR_EGRESS] && names_at(a->names, &r->dst) == r->name[WEIR_INGRESS];
}

const char *nearest_miss(struct nearest *n, const struct agent *a, const struct record *r)
{
	struct key key;
	struct kept_answer *k;

	if (!is_worth_it(a, r))
		return "";
	memset(&key, 0, sizeof(key));
	key.src = r->src;
	key.dst = r->dst;
	memcpy(key.name, r->name, sizeof(key.name));
	key.generation = datapath_view(a->datapath)->control->generation;
	key.port = r->dport;
	key.proto = r->proto;
	key.dir = r->flags & WEIR_REC_EGRESS ? WEIR_EGRESS : WEIR_INGRESS;
	k = place_of(n, &key);
	if (!memcmp(&k->key, &key, sizeof(key)))
		return k->text;
	if (!n->left)
		return "";
	n->left--;
	k->key = key;
	work_out(a, &key, k->text, sizeof(k->text));
	return k->text;
}
