// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/hand.h"

#include <stdlib.h>
#include <string.h>

struct handed {
	char *key, *json;
	bool seen;
};

struct hand {
	struct hand_options options;
	struct handed *list;
	unsigned int n;
	bool dropped;			/* ONE_RULE: its one rule is found */
};

struct hand *hand_new(const struct hand_options *options)
{
	struct hand *h = calloc(1, sizeof(*h));

	h->options = *options;
	return h;
}

void hand_free(struct hand *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < h->n; i++) {
		free(h->list[i].key);
		free(h->list[i].json);
	}
	free(h->list);
	free(h);
}

static bool is_policy(const char *kind)
{
	return strstr(kind, "NetworkPolicy");
}

/* The first rule there is, of any policy: without it the suite must notice. */
static void drop_rule(struct hand *h, struct value *policy)
{
	static const char *const rules[] = { "ingress", "egress" };
	struct value *spec = (struct value *)value_get(policy, "spec");

	for (unsigned int i = 0; i < 2; i++) {
		struct value *list = (struct value *)value_get(spec, rules[i]);

		if (!h->dropped && list && list->first) {
			value_remove(list, list->first);
			h->dropped = true;
		}
	}
}

static void annotate(struct value *m, const char *key, const char *value)
{
	value_put(value_inside(value_inside(m, "metadata"), "annotations"), key, value_of_text(value));
}

/* The manifest as the node under test shall see it; NULL: not at all. */
static struct value *fitted(struct hand *h, const struct value *m)
{
	const char *kind = value_text(m, "kind", "");
	struct value *copy;

	if (is_policy(kind) && h->options.broken == HAND_ALLOW_ALL)
		return NULL;
	copy = value_copy(m);
	if (is_policy(kind) && h->options.broken == HAND_ONE_RULE)
		drop_rule(h, copy);
	if (strcmp(kind, "Pod"))
		return copy;
	if (!value_true(m, "spec.hostNetwork") && !h->options.keep_nodes)
		value_put(value_inside(copy, "spec"), "nodeName", value_of_text(h->options.node));
	/* a suite opens more flows in a minute than any pod may have */
	if (!h->options.own_quota)
		annotate(copy, "weir.dev/flow-quota", "16000000");
	if (h->options.stack)
		annotate(copy, "weir.dev/stack-mode", "true");
	return copy;
}

static int hand_one(struct hand *h, const struct value *m, hand_changed_fn changed, void *ctx)
{
	const char *ns = value_text(m, "metadata.namespace", "");
	char key[1024], *json = value_json(m);
	struct handed *old = NULL;
	int err;

	snprintf(key, sizeof(key), "%s%s%s/%s", value_text(m, "kind", ""), *ns ? "/" : "", ns, value_text(m, "metadata.name", ""));
	for (unsigned int i = 0; i < h->n && !old; i++)
		if (!strcmp(h->list[i].key, key))
			old = &h->list[i];
	if (old && !strcmp(old->json, json)) {
		free(json);
		old->seen = true;
		return 0;
	}
	err = changed(ctx, key, json);
	if (!old) {
		h->list = realloc(h->list, (h->n + 1) * sizeof(*h->list));
		old = &h->list[h->n++];
		*old = (struct handed){ .key = strdup(key) };
	}
	free(old->json);
	old->json = json;
	old->seen = true;
	return err;
}

static const char deny_all[] =
	"{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: broken-deny-all},"
	" spec: {tier: Admin, priority: 0, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}],"
	" egress: [{action: Deny, to: [{namespaces: {}}, {networks: [0.0.0.0/0, \"::/0\"]}]}]}}";

int hand_over(struct hand *h, const struct cluster *c, hand_changed_fn changed, hand_gone_fn gone, void *ctx)
{
	struct complaint why;
	int err = 0;

	h->dropped = false;
	for (unsigned int i = 0; i < h->n; i++)
		h->list[i].seen = false;
	for value_each(m, c->manifests) {
		struct value *copy = fitted(h, m);

		if (copy)
			err = err ?: hand_one(h, copy, changed, ctx);
		value_free(copy);
	}
	if (h->options.broken == HAND_DENY_ALL) {
		struct value *docs = value_read(deny_all, strlen(deny_all), "", &why);

		err = err ?: hand_one(h, docs->first, changed, ctx);
		value_free(docs);
	}
	for (unsigned int i = 0; i < h->n && !err; i++) {
		if (h->list[i].seen)
			continue;
		err = gone(ctx, h->list[i].key);
		free(h->list[i].key);
		free(h->list[i].json);
		h->list[i--] = h->list[--h->n];
	}
	return err;
}
