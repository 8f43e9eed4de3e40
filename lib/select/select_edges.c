// SPDX-License-Identifier: Apache-2.0
/* The same options asked of sums of flows: what an edge can answer, and whether it fits. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "lib/select/select_inside.h"
#include "observer/observer.pb-c.h"

enum { FIELD_SOURCE_POD = 2, FIELD_DESTINATION_POD = 4, FIELD_PROTOCOL = 12, FIELD_DESTINATION_PORT = 14 };

static bool is_known(const struct given *g)
{
	const struct choice *c = g->choice;

	switch (c->how) {
	case HOW_DENIED:
	case HOW_VERDICT:
	case HOW_NAMESPACE:
	case HOW_ALL_NAMESPACES:
	case HOW_POD:
	case HOW_WORKLOAD:
		return true;
	case HOW_TEXT:
		return c->source == FIELD_PROTOCOL || c->destination == FIELD_DESTINATION_PORT;
	default:
		return false;
	}
}

static bool is_above(const struct given *g)
{
	return g->choice->source == FIELD_PROTOCOL && (!strcasecmp(g->value, "http") || !strcasecmp(g->value, "dns") ||
						       !strcasecmp(g->value, "kafka"));
}

static int refuse(const char *dashes, const char *name, const char *value, struct complaint *why)
{
	complaint_set(why, 0, 0, "'%s%s%s%s' is about single flows: a map adds them up by namespace, pod, workload, port, protocol and "
		      "verdict, and only those narrow it", dashes, name, *value ? " " : "", value);
	return -EINVAL;
}

int select_check_edges(struct complaint *why)
{
	const struct select_given *g = &select_given;
	const char *number = g->first_said ? "first" : g->last_said ? "last" : g->all ? "all" : NULL;
	const char *time = g->since ? "since" : g->until ? "until" : NULL;

	for (unsigned int i = 0; i < g->n; i++)
		if (!is_known(&g->given[i]) || is_above(&g->given[i]))
			return refuse("--", g->given[i].name, is_above(&g->given[i]) ? g->given[i].value : "", why);
	if (number || g->allows || g->denies)
		return refuse("--", number ?: g->allows ? "allowlist" : "denylist", "", why);
	if (time) {
		complaint_set(why, 0, 0, "'--%s' chooses flows by their time: a map has a time of its own, live or between two moments", time);
		return -EINVAL;
	}
	return 0;
}

/* Sums know workloads, a pod's name begins with its workload's: the pod that is asked for, if it may be one of this workload. */
static const char *pod_asked(const struct select *s, const struct select_edge_end *e, uint32_t field)
{
	const Observer__GetFlowsRequest *ask = s->ask;
	size_t ns = strlen(e->ns), n = strlen(e->workload);

	for (size_t i = 0; i < ask->n_whitelist + ask->n_blacklist; i++) {
		const Flow__FlowFilter *f = i < ask->n_whitelist ? ask->whitelist[i] : ask->blacklist[i - ask->n_whitelist];
		char *const *pod = field == FIELD_SOURCE_POD ? f->source_pod : f->destination_pod;
		size_t pods = field == FIELD_SOURCE_POD ? f->n_source_pod : f->n_destination_pod;

		for (size_t k = 0; k < pods; k++) {
			const char *slash = strchr(pod[k], '/'), *name = slash ? slash + 1 : pod[k];

			if (slash && slash != pod[k] && ((size_t)(slash - pod[k]) != ns || strncmp(pod[k], e->ns, ns)))
				continue;
			if (n && !strncmp(name, e->workload, n) && name[n] == '-')
				return name;
		}
	}
	return e->workload;
}

static struct flow_end end_of(const struct select *s, const struct select_edge_end *e, uint32_t field)
{
	return (struct flow_end){ .ns = e->ns, .pod = *e->ns ? pod_asked(s, e, field) : "", .workload = e->workload,
				  .workload_kind = e->kind, .node = "", .cluster = "" };
}

bool select_edge_pass(const struct select *s, const struct select_edge *e, enum flow_verdict verdict)
{
	struct flow_end source = end_of(s, &e->source, FIELD_SOURCE_POD);
	struct flow_end destination = end_of(s, &e->destination, FIELD_DESTINATION_POD);
	struct flow f = { .proto = e->proto, .dport = e->port, .verdict = verdict, .source = &source, .destination = &destination,
			  .icmp = e->proto == IPPROTO_ICMP || e->proto == IPPROTO_ICMPV6, .reason = "", .node = "", .interface = "",
			  .source_service = "", .source_service_ns = "", .destination_service = "", .destination_service_ns = "",
			  .nearest = "" };

	return filters_pass(s->filters, &f);
}
