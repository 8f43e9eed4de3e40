// SPDX-License-Identifier: Apache-2.0
/* Denials, and what audited policies would deny: who, to whom, why, by which rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/flow_view.h"
#include "agent/metrics_inside.h"
#include "agent/serve.h"

#define SERIES_MOST 5000

struct meters_denials {
	struct metric *denied, *would;
};

static const char *const denied_labels[] = { "reason", "direction", "namespace", "policy", "rule", "source_namespace",
	"source_workload", "destination_namespace", "destination_workload", NULL };
static const char *const would_labels[] = { "direction", "namespace", "policy", "rule", "source_namespace", "source_workload",
	"destination_namespace", "destination_workload", NULL };

int meters_denials_open(struct meters *m)
{
	struct meters_denials *d = calloc(1, sizeof(*d));

	m->denials = d;
	if (!d)
		return -ENOMEM;
	d->denied = metrics_add(m->metrics, &(struct metric_about){ .name = "weir_denied_packets",
				.help = "Packets dropped, with who said no: the namespace of the pod, its policy and rule; where none decided, the policies "
					"that isolate it.",
				.label = denied_labels, .keep = 2, .most = SERIES_MOST });
	d->would = metrics_add(m->metrics, &(struct metric_about){ .name = "weir_would_deny_flows",
			       .help = "Flows that audited policies would have denied.", .label = would_labels, .keep = 1,
			       .most = SERIES_MOST });
	return d->denied && d->would ? 0 : -ENOMEM;
}

void meters_denials_close(struct meters *m)
{
	free(m->denials);
}

static const char *policy_text(const struct flow_author *a, char buf[520])
{
	snprintf(buf, 520, "%s%s%s", a->ns, *a->ns ? "/" : "", a->policy);
	return buf;
}

/* Who denied; where no rule did, who isolates the pod. */
static const char *denier_text(const struct flow *f, const struct flow_author *a, char buf[520])
{
	size_t n = 0;

	if (*a->policy || !f->isolatings)
		return policy_text(a, buf);
	for (unsigned int i = 0; i < f->isolatings && n < 520; i++)
		n += snprintf(buf + n, 520 - n, "%s%s", i ? ", " : "", f->isolating[i]);
	return buf;
}

/* In written order, or which default. */
static const char *rule_text(const struct flow_author *a, char buf[12])
{
	snprintf(buf, 12, "%u", a->rule);
	return a->rule ? buf : a->number == WEIR_RULE_ISOLATED ? "isolated" : a->number == WEIR_RULE_CLOSED ? "closed" : "";
}

/* Nobody's workload is the name of what it is: world, node. */
static const char *workload_text(const struct counted *c, unsigned int side)
{
	return c->cell->other ? METRICS_OTHER : c->end[side].end->workload;
}

static const char *namespace_text(const struct counted *c, unsigned int side)
{
	return c->cell->other ? METRICS_OTHER : c->end[side].end->ns;
}

/* The last of them, so that one can be looked at: weir observe --uuid. */
static void show_one(struct meters *m, struct series *s, const struct counted *c)
{
	const struct flow_views *views = serve_views(m->a->serve);
	struct record record;
	struct flow flow;
	char text[640];
	int n;

	if (!views || c->cell->other || records_copy(m->a->records, c->cell->last, &record))
		return;
	flow_view(views, &record, c->cell->last, &flow);
	n = snprintf(text, sizeof(text), "flow=\"%s\",source_pod=\"%s\",destination_pod=\"%s\"", flow.uuid, flow.source->pod,
		     flow.destination->pod);
	if (n > 128 || strpbrk(flow.source->pod, "\"\\\n") || strpbrk(flow.destination->pod, "\"\\\n"))
		snprintf(text, sizeof(text), "flow=\"%s\"", flow.uuid);
	series_example(s, 1, record.time, text);
}

static void count_denied(struct meters *m, const struct counted *c)
{
	const struct flow *f = c->flow;
	unsigned int side = f->direction == FLOW_INGRESS;		/* whose pod it is that said no */
	const struct flow_author *by = side ? &f->ingress : &f->egress;
	const uint64_t owner[METRICS_OWNERS] = { c->end[0].workload, c->end[1].workload };
	char policy[520], rule[12];
	struct series *s = metric_series(m->denials->denied, (const char *[]){ f->reason, side ? "ingress" : "egress",
					 namespace_text(c, side), denier_text(f, by, policy), rule_text(by, rule),
					 namespace_text(c, 0), workload_text(c, 0), namespace_text(c, 1), workload_text(c, 1) },
					 c->cell->other ? NULL : owner);

	series_count(s, c->cell->records + c->cell->repeats);
	show_one(m, s, c);
}

/* One for each side that would say no: both would have to be made to allow it. */
static void count_would(struct meters *m, const struct counted *c, unsigned int side)
{
	const struct flow_author *by = side ? &c->flow->would_ingress : &c->flow->would_egress;
	const uint64_t owner[METRICS_OWNERS] = { c->end[0].workload, c->end[1].workload };
	char policy[520], rule[12];

	series_count(metric_series(m->denials->would, (const char *[]){ side ? "ingress" : "egress", namespace_text(c, side),
				   policy_text(by, policy), rule_text(by, rule), namespace_text(c, 0), workload_text(c, 0),
				   namespace_text(c, 1), workload_text(c, 1) }, c->cell->other ? NULL : owner),
		     c->cell->records);
}

void meters_denials_count(struct meters *m, const struct counted *c)
{
	const struct flow *f = c->flow;

	if (f->kind == FLOW_CLOSED)
		return;
	if (f->verdict == FLOW_DROPPED)
		count_denied(m, c);
	else if (f->would_deny)
		for (unsigned int side = 0; side < 2; side++)
			if ((c->cell->key.more >> (side ? 2 * WEIR_INGRESS : 2 * WEIR_EGRESS) & 3) == WEIR_DENY)
				count_would(m, c, side);
}
