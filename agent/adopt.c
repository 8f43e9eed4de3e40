// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/adopt.h"

/* What is read, let go once the compiler has its copy. */
struct found {
	struct compile_adopted_entry *address, *prefix;
	struct compile_adopted_endpoint *endpoint;
	struct compile_adopted_rule *rule;
	unsigned int naddress, nprefix, nendpoint, nrule;
};

/* Room for one more element behind 'n': what is grown doubles. */
static void *more(void *array, unsigned int n, size_t size)
{
	return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

static int on_address(void *ctx, const struct weir_prefix *prefix, unsigned int slot)
{
	struct found *f = ctx;
	struct compile_adopted_entry *to = more(f->address, f->naddress, sizeof(*to));

	if (!to)
		return -ENOMEM;
	f->address = to;
	to[f->naddress++] = (struct compile_adopted_entry){ .prefix = *prefix, .slot = slot };
	return 0;
}

static int on_prefix(void *ctx, const struct weir_prefix *prefix, unsigned int slot)
{
	struct found *f = ctx;
	struct compile_adopted_entry *to = more(f->prefix, f->nprefix, sizeof(*to));

	if (!to)
		return -ENOMEM;
	f->prefix = to;
	to[f->nprefix++] = (struct compile_adopted_entry){ .prefix = *prefix, .slot = slot };
	return 0;
}

/* Endpoints that hold a set, with the pod that the book names; one that it does not name belongs to nobody. */
static int read_endpoints(struct found *f, const struct datapath_view *view, const struct endpoints *e)
{
	for (unsigned int n = 1; n < WEIR_ENDPOINT_NODE; n++) {
		const struct weir_endpoint *held = &view->endpoint[n];
		struct compile_adopted_endpoint *to, one = { .number = n, .ns = "", .pod = "" };

		if (!held->ifindex && !held->set[WEIR_INGRESS].limit && !held->set[WEIR_EGRESS].limit)
			continue;
		endpoints_written(e, n, &one.ns, &one.pod);
		memcpy(one.set, held->set, sizeof(one.set));
		to = more(f->endpoint, f->nendpoint, sizeof(*to));
		if (!to)
			return -ENOMEM;
		f->endpoint = to;
		to[f->nendpoint++] = one;
	}
	return 0;
}

static int read_rules(struct found *f, const struct rules *r)
{
	for (unsigned int n = WEIR_RULE_FIRST; n < WEIR_RULES; n++) {
		const struct rule_name *name = rules_of(r, n);
		struct compile_adopted_rule *to;

		if (!name)
			continue;
		to = more(f->rule, f->nrule, sizeof(*to));
		if (!to)
			return -ENOMEM;
		f->rule = to;
		to[f->nrule++] = (struct compile_adopted_rule){ .number = n, .rule = {
			.tier = name->tier, .dir = name->dir, .ns = name->ns, .policy = name->policy,
			.index = name->index, .name = name->name, .text = name->text } };
	}
	return 0;
}

int adopt(struct compiler *c, const struct datapath *dp, const struct endpoints *e, const struct rules *r)
{
	const struct datapath_view *view = datapath_view(dp);
	struct found f = { 0 };
	int err = datapath_addresses(dp, on_address, &f);

	if (!err)
		err = datapath_prefixes(dp, on_prefix, &f);
	if (!err)
		err = read_endpoints(&f, view, e);
	if (!err)
		err = read_rules(&f, r);
	if (!err)
		err = compile_adopt(c, &(struct compile_adopted){
			.word = view->word, .cell = view->cell, .range = view->range, .address = f.address,
			.prefix = f.prefix, .endpoint = f.endpoint, .rule = f.rule, .naddress = f.naddress,
			.nprefix = f.nprefix, .nendpoint = f.nendpoint, .nrule = f.nrule });
	free(f.address);
	free(f.prefix);
	free(f.endpoint);
	free(f.rule);
	return err;
}
