// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/endpoint.h>

#include "agent/flow_view.h"
#include "agent/metrics_inside.h"
#include "lib/addr.h"
#include "lib/log.h"

#define TAKE_MS 500
#define SLOW_MS 5000
#define SCRAPE_MS 200		/* so old may an answer be */

#define DEFAULT_LIST										\
	"flow:" CONTEXT_DEFAULT " drop:" CONTEXT_DEFAULT " policy:" CONTEXT_DEFAULT " tcp:" CONTEXT_DEFAULT	\
	" icmp:" CONTEXT_DEFAULT " port-distribution:" CONTEXT_DEFAULT " flows-to-world:any-drop;" CONTEXT_DEFAULT

static void on_take(void *ctx);
static void on_slow(void *ctx);
static void on_scrape(void *ctx, struct http_ask *ask);
static void on_health(void *ctx, struct http_ask *ask);
static void on_index(void *ctx, struct http_ask *ask);
static void on_answered(void *ctx, const char *path, unsigned int status, uint64_t ns);

static const double answer_bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1 };
static const char *const code_label[] = { "code", NULL };

static int serve(struct meters *m, struct complaint *why)
{
	struct http_options options = { .connections = 64, .answered = on_answered, .ctx = m };
	int err = http_open(&m->http, m->a->loop, &options);

	m->answers = metrics_add(m->metrics, &(struct metric_about){ .name = "hubble_metrics_http_handler_requests",
				 .help = "Answers of this server, by status.", .label = code_label });
	m->answer_time = metrics_add(m->metrics, &(struct metric_about){
				     .name = "hubble_metrics_http_handler_request_duration_seconds",
				     .help = "From a request's last byte to its answer's first.", .unit = "seconds",
				     .type = METRIC_HISTOGRAM, .label = code_label, .bound = answer_bounds,
				     .bounds = sizeof(answer_bounds) / sizeof(answer_bounds[0]) });
	if (!m->answers || !m->answer_time)
		return -ENOMEM;
	return err ?: http_at(m->http, "/metrics", on_scrape, m) ?: http_at(m->http, "/healthz", on_health, m) ?:
	       http_at(m->http, "/", on_index, m) ?:
	       http_listen(m->http, m->a->settings.metrics, why);
}

int meters_open(struct meters **out, struct agent *a, struct complaint *why)
{
	const char *list = a->settings.metrics_enable ?: DEFAULT_LIST;
	struct meters *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->a = a;
	err = metrics_new(&m->metrics);
	if (!err)
		err = owners_new(&m->owners, m->metrics);
	if (!err)
		err = hubble_open(&m->hubble, m->metrics, list, why);
	if (!err)
		err = meters_denials_open(m) ?: meters_rules_open(m) ?: meters_edges_open(m) ?: meters_losses_open(m) ?:
		      meters_export_open(m) ?:
		      meters_state_open(m) ?: metrics_add_process(m->metrics) ?: metrics_add_own(m->metrics);
	if (!err && a->settings.metrics)
		err = serve(m, why);
	if (err) {
		meters_close(m);
		return err;
	}
	loop_after(a->loop, &m->take, TAKE_MS, on_take, m);
	loop_after(a->loop, &m->slow, SLOW_MS, on_slow, m);
	*out = m;
	return 0;
}

void meters_close(struct meters *m)
{
	if (!m)
		return;
	loop_cancel(m->a->loop, &m->take);
	loop_cancel(m->a->loop, &m->slow);
	http_close(m->http);
	meters_state_close(m);
	meters_edges_close(m);
	meters_rules_close(m);
	meters_denials_close(m);
	hubble_close(m->hubble);
	owners_free(m->owners);
	metrics_free(m->metrics);
	free(m->scraped[METRICS_TEXT].text);
	free(m->scraped[METRICS_OPEN].text);
	free(m);
}

unsigned int meters_port(const struct meters *m)
{
	return m && m->http ? http_port(m->http) : 0;
}

void meters_gone(struct meters *m, const char *ns, const char *pod)
{
	if (m)
		owners_gone(m->owners, ns, pod, meters_now_s());
}

/* A record again, as far as its cell knows: so that one place alone says what a record means as a flow. */
static void record_of(const struct counts_cell *c, struct record *r)
{
	const struct counts_key *k = &c->key;
	bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	unsigned int dst = k->more >> COUNTS_DST_SHIFT & 3;

	memset(r, 0, sizeof(*r));
	memcpy(r->name, k->name, sizeof(r->name));
	memcpy(r->rule, k->rule, sizeof(r->rule));
	r->sport = icmp ? k->port : 0;
	r->dport = icmp ? 0 : k->port;
	r->proto = k->proto;
	r->kind = k->kind;
	r->reason = k->reason;
	r->flags = k->flags;
	r->tcp_flags = k->tcp_flags;
	r->slot = ~0U;
	r->endpoint[WEIR_INGRESS] = dst == 2 ? WEIR_ENDPOINT_NODE : dst;
	if (k->kind == WEIR_REC_CLOSED)
		return;
	r->audit = k->more & 15;
	memcpy(r->audit_rule, k->audit_rule, sizeof(r->audit_rule));
}

/* A pod's or node's address, of the flow's family if it has one. */
static const char *ip_of(const struct name *name, bool v6, char text[ADDR_TEXT_SIZE])
{
	const struct weir_addr *best = NULL;

	for (unsigned int i = 0; i < name->naddr; i++)
		if (!best || addr_is_v4(&name->addr[i]) == !v6)
			best = &name->addr[i];
	return best && (name->kind == NAME_POD || name->kind == NAME_NODE) ? addr_text(best, text) : "";
}

static uint8_t match_of(const struct rules *rules, uint32_t number)
{
	const struct rule_name *name = number >= WEIR_RULE_FIRST ? rules_get(rules, number) : NULL;

	return name ? name->match : number == WEIR_RULE_ISOLATED || number == WEIR_RULE_CLOSED ? 0 : 4;
}

static void on_cell(void *ctx, const struct counts_cell *cell)
{
	struct meters *m = ctx;
	const struct agent *a = m->a;
	const struct flow_views views = { .ends = a->ends, .rules = a->rules, .node = "", .isolators = a->isolators };
	struct counted c = { .cell = cell };
	char ip[2][ADDR_TEXT_SIZE];
	struct record record;
	struct flow flow;

	record_of(cell, &record);
	if (record.kind == WEIR_REC_DENIED || record.flags & WEIR_REC_CUT)
		for (int dir = 0; dir < WEIR_DIRS; dir++)
			if (record.rule[dir] == WEIR_RULE_ISOLATED)
				isolators_now(a->isolators, record.name[dir], dir);
	flow_view(&views, &record, 0, &flow);
	c.flow = &flow;
	for (int side = 0; side < 2; side++) {
		const struct name *name = names_get(a->names, cell->key.name[side ? WEIR_INGRESS : WEIR_EGRESS]);
		struct context_end *e = &c.end[side];

		e->end = side ? flow.destination : flow.source;
		e->ip = ip_of(name, cell->key.more & COUNTS_V6, ip[side]);
		owners_seen(m->owners, e->end, name->dead, meters_now_s(), &e->pod, &e->workload);
		c.match[side ? WEIR_INGRESS : WEIR_EGRESS] = match_of(a->rules, cell->key.rule[side ? WEIR_INGRESS : WEIR_EGRESS]);
	}
	hubble_count(m->hubble, &c);
	meters_denials_count(m, &c);
}

static void on_take(void *ctx)
{
	struct meters *m = ctx;

	counts_take(m->a->counts, on_cell, m);
	loop_after(m->a->loop, &m->take, TAKE_MS, on_take, m);
}

static void on_slow(void *ctx)
{
	struct meters *m = ctx;

	metrics_expire(m->metrics, meters_now_s());
	loop_after(m->a->loop, &m->slow, SLOW_MS, on_slow, m);
}

struct metrics *meters_fresh(struct meters *m)
{
	meters_settle(m);
	meters_state_refresh(m);
	meters_edges_refresh(m);
	return m->metrics;
}

/* Whoever asks all the time is given the same again: a scrape holds up the loop for some milliseconds. */
static int scrape(struct meters *m, enum metrics_format format)
{
	struct scraped *last = &m->scraped[format];
	uint64_t now = agent_now();
	char *text;
	size_t size;

	if (last->text && now - last->when < SCRAPE_MS * 1000000ULL)
		return 0;
	if (metrics_write(meters_fresh(m), format, &text, &size))
		return -ENOMEM;
	free(last->text);
	*last = (struct scraped){ text, size, now };
	return 0;
}

static void on_scrape(void *ctx, struct http_ask *ask)
{
	enum metrics_format format = metrics_wanted(http_field(ask, "accept"));
	struct meters *m = ctx;

	if (scrape(m, format))
		http_answer_text(ask, 500, "no memory\n");
	else
		http_answer(ask, &(struct http_answer){ .type = metrics_type(format), .fields = "Cache-Control: no-store\r\n",
							.body = m->scraped[format].text, .size = m->scraped[format].size });
}

static void on_health(void *ctx, struct http_ask *ask)
{
	http_answer_text(ask, 200, "ok\n");
}

static void on_index(void *ctx, struct http_ask *ask)
{
	const struct meters *m = ctx;

	if (strcmp(http_path(ask), "/"))
		http_answer_text(ask, 404, "there is nothing at '%s': /metrics and /healthz are here\n", http_path(ask));
	else
		http_answer_text(ask, 200, "weir-agent " WEIR_VERSION " of node '%s'\n\n/metrics    for Prometheus\n"
				 "/healthz    ok while it runs\n", m->a->settings.node ?: "");
}

static void on_answered(void *ctx, const char *path, unsigned int status, uint64_t ns)
{
	struct meters *m = ctx;
	char code[12];
	const char *const value[] = { code };

	snprintf(code, sizeof(code), "%u", status);
	series_count(metric_series(m->answers, value, NULL), 1);
	series_observe(metric_series(m->answer_time, value, NULL), ns / 1e9, 0, NULL);
}
