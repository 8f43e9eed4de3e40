// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/cluster_inside.h"
#include "weir/v1/relay.pb-c.h"

/* --- GetNamespaces: the union. --- */

static int by_namespace(const void *a, const void *b)
{
	const Observer__Namespace *x = *(Observer__Namespace *const *)a, *y = *(Observer__Namespace *const *)b;
	int cmp = strcmp(x->cluster, y->cluster);

	return cmp ? cmp : strcmp(x->namespace_, y->namespace_);
}

static void finish_namespaces(struct fan *f)
{
	Observer__GetNamespacesResponse all = OBSERVER__GET_NAMESPACES_RESPONSE__INIT;
	struct arena a = { 0 };
	size_t most = 0, n = 0;

	for (unsigned int i = 0; i < f->answers; i++)
		if (f->answer[i].message)
			most += ((Observer__GetNamespacesResponse *)f->answer[i].message)->n_namespaces;
	all.namespaces = arena_alloc(&a, (most + 1) * sizeof(*all.namespaces));
	for (unsigned int i = 0; all.namespaces && i < f->answers; i++) {
		const Observer__GetNamespacesResponse *one = f->answer[i].message;

		if (!one || !one->n_namespaces)
			continue;
		memcpy(all.namespaces + n, one->namespaces, one->n_namespaces * sizeof(*all.namespaces));
		n += one->n_namespaces;
	}
	if (n)
		qsort(all.namespaces, n, sizeof(*all.namespaces), by_namespace);
	for (size_t i = 0; i < n; i++)
		if (!i || by_namespace(&all.namespaces[i], &all.namespaces[all.n_namespaces - 1]))
			all.namespaces[all.n_namespaces++] = all.namespaces[i];
	cluster_answer(f->call, &all.base, &a, all.namespaces);
}

void on_namespaces(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Observer__GetNamespacesRequest request = OBSERVER__GET_NAMESPACES_REQUEST__INIT;

	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers,
		.path = "/observer.Observer/GetNamespaces", .request = &request.base,
		.answer = &observer__get_namespaces_response__descriptor, .deadline_ms = CLUSTER_MS,
		.finish = finish_namespaces, .ctx = cluster });
}

/* --- Policies: one line for all nodes that have it. --- */

struct of_node {			/* a policy as one node tells it */
	Weir__V1__Policy *policy;
	const struct peer *peer;
};

static int by_policy(const void *a, const void *b)
{
	const struct of_node *x = a, *y = b;
	int cmp = strcmp(x->policy->name, y->policy->name);

	cmp = cmp ? cmp : strcmp(x->policy->tier, y->policy->tier);
	return cmp ? cmp : strcmp(x->peer->name, y->peer->name);
}

/* How bad a state is. */
static int gravity(const char *state)
{
	return !strcmp(state, "rejected") ? 2 : !strcmp(state, "in-force") ? 1 : 0;
}

static Weir__V1__ClusterPolicy *add_up_policy(struct arena *a, const struct of_node *of, size_t n)
{
	Weir__V1__ClusterPolicy *out = arena_alloc(a, sizeof(*out));
	Weir__V1__Policy *sum = arena_alloc(a, sizeof(*sum));
	char **rejected = arena_alloc(a, n * sizeof(*rejected));

	if (!out || !sum || !rejected)
		return NULL;
	weir__v1__cluster_policy__init(out);
	*sum = *of[0].policy;
	sum->pods = 0;
	sum->hits = sum->denied = sum->would_deny = 0;
	for (size_t i = 0; i < n; i++) {
		const Weir__V1__Policy *p = of[i].policy;

		sum->pods += p->pods;
		sum->hits += p->hits;
		sum->denied += p->denied;
		sum->would_deny += p->would_deny;
		if (p->last_used > sum->last_used)
			sum->last_used = p->last_used;
		sum->audit |= p->audit;
		if (gravity(p->state) > gravity(sum->state)) {
			sum->state = p->state;
			sum->why = p->why;
		}
		out->nodes += gravity(p->state) == 1;
		if (gravity(p->state) == 2)
			rejected[out->n_rejected++] = (char *)of[i].peer->name;
	}
	out->policy = sum;
	out->rejected = rejected;
	return out;
}

static Weir__V1__NodeAnswer *node_error(struct arena *a, const struct fan_answer *answer)
{
	Weir__V1__NodeAnswer *out = arena_alloc(a, sizeof(*out));

	if (!out)
		return NULL;
	weir__v1__node_answer__init(out);
	out->node = answer->peer->name;
	out->error = (char *)answer->error;
	return out;
}

static bool add_up_policies(struct arena *a, const struct fan *f, Weir__V1__ClusterPolicies *all)
{
	size_t most = 0, n = 0;
	struct of_node *of;

	for (unsigned int i = 0; i < f->answers; i++)
		if (f->answer[i].message)
			most += ((Weir__V1__Policies *)f->answer[i].message)->n_policy;
	of = arena_alloc(a, (most + 1) * sizeof(*of));
	all->policy = arena_alloc(a, (most + 1) * sizeof(*all->policy));
	all->node = arena_alloc(a, (f->answers + 1) * sizeof(*all->node));
	if (!of || !all->policy || !all->node)
		return false;
	for (unsigned int i = 0; i < f->answers; i++) {
		const Weir__V1__Policies *one = f->answer[i].message;

		for (size_t k = 0; one && k < one->n_policy; k++)
			of[n++] = (struct of_node){ one->policy[k], f->answer[i].peer };
		if (!one && !(all->node[all->n_node++] = node_error(a, &f->answer[i])))
			return false;
	}
	qsort(of, n, sizeof(*of), by_policy);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && !strcmp(of[end].policy->name, of[i].policy->name) &&
				  !strcmp(of[end].policy->tier, of[i].policy->tier); end++)
			;
		if (!(all->policy[all->n_policy++] = add_up_policy(a, of + i, end - i)))
			return false;
	}
	return true;
}

static void finish_policies(struct fan *f)
{
	Weir__V1__ClusterPolicies all = WEIR__V1__CLUSTER_POLICIES__INIT;
	struct arena a = { 0 };
	bool whole = add_up_policies(&a, f, &all);

	cluster_answer(f->call, &all.base, &a, whole);
}

void on_policies(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Weir__V1__PoliciesRequest request = WEIR__V1__POLICIES_REQUEST__INIT;

	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers, .path = "/weir.v1.Agent/Policies",
		.request = &request.base, .answer = &weir__v1__policies__descriptor, .deadline_ms = CLUSTER_MS, .own = true,
		.finish = finish_policies, .ctx = cluster });
}

/* --- Endpoints and why: node by node. --- */

static bool list_endpoints(struct arena *a, const struct fan *f, Weir__V1__ClusterEndpoints *all)
{
	all->node = arena_alloc(a, (f->answers + 1) * sizeof(*all->node));
	for (unsigned int i = 0; all->node && i < f->answers; i++) {
		const Weir__V1__Endpoints *one = f->answer[i].message;
		Weir__V1__NodeEndpoints *out = arena_alloc(a, sizeof(*out));

		if (!out)
			return false;
		weir__v1__node_endpoints__init(out);
		out->node = f->answer[i].peer->name;
		out->error = (char *)f->answer[i].error;
		out->endpoint = one ? one->endpoint : NULL;
		out->n_endpoint = one ? one->n_endpoint : 0;
		all->node[all->n_node++] = out;
	}
	return all->node;
}

static void finish_endpoints(struct fan *f)
{
	Weir__V1__ClusterEndpoints all = WEIR__V1__CLUSTER_ENDPOINTS__INIT;
	struct arena a = { 0 };
	bool whole = list_endpoints(&a, f, &all);

	cluster_answer(f->call, &all.base, &a, whole);
}

void on_endpoints(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Weir__V1__EndpointsRequest request = WEIR__V1__ENDPOINTS_REQUEST__INIT;

	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers, .path = "/weir.v1.Agent/Endpoints",
		.request = &request.base, .answer = &weir__v1__endpoints__descriptor, .deadline_ms = CLUSTER_MS,
		.own = true, .finish = finish_endpoints, .ctx = cluster });
}

/* Does the node judge any side of it itself. */
static bool judges(const Weir__V1__Why *why)
{
	for (size_t i = 0; why && i < why->n_side; i++)
		if (why->side[i]->judged_here)
			return true;
	return false;
}

static bool list_whys(struct arena *a, const struct fan *f, Weir__V1__ClusterWhy *all)
{
	bool any = false;

	all->node = arena_alloc(a, (f->answers + 1) * sizeof(*all->node));
	for (unsigned int i = 0; i < f->answers; i++)
		any |= judges(f->answer[i].message);
	for (unsigned int i = 0; all->node && i < f->answers; i++) {
		Weir__V1__NodeWhy *out;

		if (any && !judges(f->answer[i].message))
			continue;	/* it says what others know better */
		out = arena_alloc(a, sizeof(*out));
		if (!out)
			return false;
		weir__v1__node_why__init(out);
		out->node = f->answer[i].peer->name;
		out->error = (char *)f->answer[i].error;
		out->why = f->answer[i].message;
		all->node[all->n_node++] = out;
	}
	return all->node;
}

static void finish_why(struct fan *f)
{
	Weir__V1__ClusterWhy all = WEIR__V1__CLUSTER_WHY__INIT;
	struct arena a = { 0 };
	bool whole = list_whys(&a, f, &all);

	cluster_answer(f->call, &all.base, &a, whole);
}

void on_why(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	struct cluster *cluster = ctx;
	Weir__V1__WhyRequest *request = unpack_message(&weir__v1__why_request__descriptor, data, size);

	if (!request) {
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "this is no WhyRequest");
		return;
	}
	fan_out(&(struct fan_question){ .call = c, .peers = cluster->relay->peers, .path = "/weir.v1.Agent/Why",
		.request = &request->base, .answer = &weir__v1__why__descriptor, .deadline_ms = CLUSTER_MS, .own = true,
		.finish = finish_why, .ctx = cluster });
	unpack_free(request);
}
