// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "lib/netpol/object.h"

const char *object_kind_name(enum object_kind kind)
{
	static const char *const names[] = {
		[OBJECT_NAMESPACE] = "Namespace", [OBJECT_POD] = "Pod", [OBJECT_NODE] = "Node",
		[OBJECT_POLICY] = "NetworkPolicy", [OBJECT_CLUSTER_POLICY] = "ClusterNetworkPolicy",
		[OBJECT_SERVICE] = "Service", [OBJECT_ENDPOINT_SLICE] = "EndpointSlice",
	};

	return kind < OBJECT_KINDS ? names[kind] : "object";
}

void object_free(struct object *o)
{
	free(o);
}

const char *labels_get(const struct labels *l, const char *key)
{
	unsigned int from = 0, to = l->n;

	while (from < to) {
		unsigned int middle = (from + to) / 2;
		int c = strcmp(key, l->v[middle].key);

		if (!c)
			return l->v[middle].value;
		if (c < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

static bool among(const char *value, const struct requirement *q)
{
	for (unsigned int i = 0; i < q->n; i++)
		if (!strcmp(value, q->value[i]))
			return true;
	return false;
}

/* NotIn and DoesNotExist hold where the key is missing. */
bool requirement_holds(const struct requirement *q, const struct labels *l)
{
	const char *value = labels_get(l, q->key);

	switch (q->op) {
	case OP_IN:
		return value && among(value, q);
	case OP_NOT_IN:
		return !value || !among(value, q);
	case OP_EXISTS:
		return value;
	case OP_NOT_EXISTS:
		return !value;
	}
	return false;
}

bool selector_matches(const struct selector *s, const struct labels *l)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (!requirement_holds(&s->v[i], l))
			return false;
	return true;
}
