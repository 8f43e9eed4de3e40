// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <stdio.h>

#include "agent/otlp_write.h"
#include "lib/addr.h"
#include "lib/flow/summary.h"
#include "lib/flow/words.h"

#define CUMULATIVE 2			/* AggregationTemporality */
enum severity { SEVERITY_INFO = 9, SEVERITY_WARN = 13 };

static void eight(struct writer *w, uint32_t field, const void *v)
{
	if (!writer_room(w, 8))
		return;
	memcpy(w->at -= 8, v, 8);
	writer_head_spare(w, field, 1);
}

static void fixed(struct writer *w, uint32_t field, uint64_t v)
{
	eight(w, field, &v);
}

/* KeyValue { key = 1, value = 2 AnyValue { string_value = 1 } }, as field 'field' of what is around. */
static void text(struct writer *w, uint32_t field, const char *key, const char *value)
{
	const uint8_t *mark = w->at, *any = w->at;

	writer_item(w, 1, value);
	writer_message(w, 2, any);
	writer_item(w, 1, key);
	writer_message(w, field, mark);
}

static void text_if(struct writer *w, uint32_t field, const char *key, const char *value)
{
	if (value && *value)
		text(w, field, key, value);
}

static void number_if(struct writer *w, uint32_t field, const char *key, uint64_t n)
{
	const uint8_t *mark = w->at, *any = w->at;

	if (!n)
		return;
	writer_uint_always(w, 3, n);
	writer_message(w, 2, any);
	writer_item(w, 1, key);
	writer_message(w, field, mark);
}

static void put_resource(struct otlp_request *o, uint32_t field)
{
	struct writer *w = &o->w;
	const uint8_t *mark = w->at;

	text_if(w, 1, "k8s.cluster.name", o->who->cluster);
	text_if(w, 1, "k8s.node.name", o->who->node);
	text_if(w, 1, "host.name", o->who->node);
	text(w, 1, "service.version", WEIR_VERSION);
	text(w, 1, "service.name", "weir-agent");
	writer_message(w, field, mark);
}

static void put_scope(struct writer *w)
{
	const uint8_t *mark = w->at;

	writer_literal(w, 2, WEIR_VERSION);
	writer_literal(w, 1, "weir");
	writer_message(w, 1, mark);
}

static void begin(struct otlp_request *o, void *buf, size_t size, const struct otlp_who *who)
{
	*o = (struct otlp_request){ .who = who };
	writer_begin(&o->w, buf, size);
	o->resource = o->scope = o->w.at;
}

static bool end(struct otlp_request *o)
{
	put_scope(&o->w);
	writer_message(&o->w, 2, o->scope);
	put_resource(o, 1);
	writer_message(&o->w, 1, o->resource);
	return !o->w.full;
}

void otlp_logs_begin(struct otlp_request *o, void *buf, size_t size, const struct otlp_who *who)
{
	begin(o, buf, size, who);
}

bool otlp_logs_end(struct otlp_request *o)
{
	return end(o);
}

static const char *transport(const struct flow *f)
{
	switch (f->proto) {
	case IPPROTO_TCP:	return "tcp";
	case IPPROTO_UDP:	return "udp";
	case IPPROTO_SCTP:	return "sctp";
	case IPPROTO_ICMP:	return "icmp";
	case IPPROTO_ICMPV6:	return "ipv6-icmp";
	default:		return "";
	}
}

static void put_end(struct writer *w, const struct flow *f, bool source)
{
	const struct flow_end *e = source ? f->source : f->destination;
	const struct weir_addr *a = source ? &f->src : &f->dst;
	char address[ADDR_TEXT_SIZE];

#define KEY(name) (source ? "source." name : "destination." name)
	text_if(w, 6, KEY("k8s.workload.kind"), e->workload_kind);
	text_if(w, 6, KEY("k8s.workload.name"), e->workload);
	text_if(w, 6, KEY("k8s.pod.name"), e->pod);
	text_if(w, 6, KEY("k8s.namespace.name"), e->ns);
	if (!f->icmp)
		number_if(w, 6, KEY("port"), source ? f->sport : f->dport);
	if (a->w[0] || a->w[1])
		text(w, 6, KEY("address"), addr_text(a, address));
#undef KEY
}

static void put_author(struct writer *w, const struct flow_author *a, bool egress)
{
	char policy[520];

	if (!*a->policy && !*a->text)
		return;
	snprintf(policy, sizeof(policy), "%s%s%s", a->ns, *a->ns && *a->policy ? "/" : "", a->policy);
#define KEY(name) (egress ? "weir.egress." name : "weir.ingress." name)
	text_if(w, 6, KEY("text"), a->text);
	number_if(w, 6, KEY("rule"), a->rule);
	text_if(w, 6, KEY("policy"), policy);
#undef KEY
}

/* Of a default deny. */
static void put_isolating(struct writer *w, const struct flow *f)
{
	char list[1024];
	size_t n = 0;

	for (unsigned int i = 0; i < f->isolatings && n < sizeof(list); i++)
		n += snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", f->isolating[i]);
	if (n)
		text(w, 6, "weir.isolating", list);
}

static void put_attributes(struct writer *w, const struct flow *f)
{
	static const char *const kind[] = { "", "opened", "again", "denied", "closed" };
	static const char *const direction[] = { "", "ingress", "egress" };

	put_isolating(w, f);
	put_author(w, &f->egress, true);
	put_author(w, &f->ingress, false);
	if (f->kind == FLOW_CLOSED) {
		number_if(w, 6, "weir.duration_ns", f->duration);
		number_if(w, 6, "weir.idle_ns", f->idle);
		number_if(w, 6, "weir.handshake_us", f->handshake_us);
	}
	number_if(w, 6, "weir.repeats", f->repeats);
	number_if(w, 6, "weir.reply_bytes", f->bytes[1]);
	number_if(w, 6, "weir.reply_packets", f->packets[1]);
	number_if(w, 6, "weir.bytes", f->bytes[0]);
	number_if(w, 6, "weir.packets", f->packets[0]);
	if (f->would_deny)
		text(w, 6, "weir.would_be", "denied");
	text_if(w, 6, "weir.reason", f->reason);
	text_if(w, 6, "weir.direction", f->direction <= FLOW_EGRESS ? direction[f->direction] : "");
	text_if(w, 6, "weir.kind", f->kind <= FLOW_CLOSED ? kind[f->kind] : "");
	text_if(w, 6, "weir.verdict", flow_verdict_name(f->verdict));
	text_if(w, 6, "weir.flow", f->uuid);
	text_if(w, 6, "network.transport", transport(f));
	text(w, 6, "network.type", addr_is_v4(&f->src) ? "ipv4" : "ipv6");
	put_end(w, f, false);
	put_end(w, f, true);
}

static const char *who_text(const struct flow_end *e, const struct weir_addr *a, char buf[520])
{
	char address[ADDR_TEXT_SIZE];

	if (*e->pod)
		snprintf(buf, 520, "%s/%s", e->ns, e->pod);
	else
		snprintf(buf, 520, "%s (%s)", addr_text(a, address), e->workload);
	return buf;
}

void otlp_flow(struct otlp_request *o, const struct flow *f)
{
	char line[1600], src[520], dst[520], summary[FLOW_SUMMARY_SIZE];
	const uint8_t *mark = o->w.at, *any;
	struct writer *w = &o->w;

	flow_summary(f, summary);
	snprintf(line, sizeof(line), "%s -> %s:%u %s %s", who_text(f->source, &f->src, src), who_text(f->destination, &f->dst, dst),
		 f->icmp ? 0 : f->dport, flow_verdict_name(f->verdict), summary);
	writer_literal(w, 12, "weir.flow");
	fixed(w, 11, o->who->now);
	put_attributes(w, f);
	any = w->at;
	writer_item(w, 1, line);
	writer_message(w, 5, any);
	writer_item(w, 3, f->verdict == FLOW_DROPPED ? "WARN" : "INFO");
	writer_uint(w, 2, f->verdict == FLOW_DROPPED ? SEVERITY_WARN : SEVERITY_INFO);
	fixed(w, 1, f->time);
	writer_message(w, 2, mark);
}

/* One family after the other: its head is written once its points are. */
struct families {
	struct otlp_request *o;
	const struct metric_about *about;	/* the one that is under way */
	const uint8_t *metric, *data;
	unsigned int points;
};

static const char *unit_text(const struct metric_about *a)
{
	return !a->unit ? "" : !strcmp(a->unit, "seconds") ? "s" : !strcmp(a->unit, "bytes") ? "By" : a->unit;
}

static void end_family(struct families *f)
{
	static const uint8_t field[] = { [METRIC_COUNTER] = 7, [METRIC_GAUGE] = 5, [METRIC_HISTOGRAM] = 9 };
	struct writer *w = &f->o->w;

	if (!f->about)
		return;
	if (!f->points) {
		w->at = (uint8_t *)f->metric;		/* nothing is said of what is not there */
		return;
	}
	writer_message(w, field[f->about->type], f->data);
	writer_text(w, 3, unit_text(f->about));
	writer_item(w, 2, f->about->help);
	writer_item(w, 1, f->about->name);
	writer_message(w, 2, f->metric);
}

static void begin_family(struct families *f, const struct metric_about *about)
{
	struct writer *w = &f->o->w;

	end_family(f);
	f->about = about;
	f->points = 0;
	f->metric = f->data = w->at;
	if (about->type == METRIC_COUNTER)
		writer_uint(w, 3, 1);			/* monotonic */
	if (about->type != METRIC_GAUGE)
		writer_uint(w, 2, CUMULATIVE);
}

static void put_labels(struct writer *w, uint32_t field, const struct metric_about *about, const struct metric_sample *s)
{
	for (unsigned int i = 0; about->label && about->label[i]; i++)
		text_if(w, field, about->label[i], s->value[i]);
}

static void put_histogram(struct otlp_request *o, const struct metric_about *about, const struct metric_sample *s)
{
	struct writer *w = &o->w;
	double sum = s->v;

	put_labels(w, 9, about, s);
	writer_data(w, 7, about->bound, about->bounds * sizeof(*about->bound));
	writer_data(w, 6, s->bucket, (about->bounds + 1) * sizeof(*s->bucket));
	eight(w, 5, &sum);
	fixed(w, 4, s->n);
	fixed(w, 3, o->who->now);
	fixed(w, 2, o->who->started);
}

static void put_number(struct otlp_request *o, const struct metric_about *about, const struct metric_sample *s)
{
	struct writer *w = &o->w;

	put_labels(w, 7, about, s);
	if (s->whole)
		fixed(w, 6, s->n);
	else
		eight(w, 4, &s->v);
	fixed(w, 3, o->who->now);
	if (about->type != METRIC_GAUGE)
		fixed(w, 2, o->who->started);
}

static void on_sample(void *ctx, const struct metric_about *about, const struct metric_sample *s)
{
	struct families *f = ctx;
	const uint8_t *mark;

	if (!s) {
		begin_family(f, about);
		return;
	}
	mark = f->o->w.at;
	if (s->bucket)
		put_histogram(f->o, about, s);
	else
		put_number(f->o, about, s);
	writer_message(&f->o->w, 1, mark);
	f->points++;
	f->o->points++;
}

bool otlp_metrics(struct otlp_request *o, void *buf, size_t size, const struct otlp_who *who, struct metrics *m)
{
	struct families f = { .o = o };

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed64 is written as it lies in memory");
	begin(o, buf, size, who);
	metrics_each(m, on_sample, &f);
	end_family(&f);
	return end(o);
}
