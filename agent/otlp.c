// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/flow_view.h"
#include "agent/losses.h"
#include "agent/metrics.h"
#include "agent/otlp.h"
#include "agent/otlp_write.h"
#include "agent/serve.h"
#include "lib/log.h"
#include "lib/rpc/client.h"
#include "lib/rpc/credentials.h"

#define BATCH 512			/* flows in a request */
#define LOGS_SIZE (1 << 20)
#define ROUND_SIZE (1 << 20)		/* at first; doubled until all fits */
#define ROUND_MOST (32 << 20)
#define LOOK_MS 200			/* for new flows, when there were none */
#define LINGER_MS 500			/* for more of them, so that requests are not small */
#define DEADLINE_MS 10000
#define END_MS 1000
#define LOGS_PATH "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#define METRICS_PATH "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

/* A request, and whether it is under way.  The thread's, but for metrics, which the loop's thread writes while 'busy' is
 * not set. */
struct sending {
	struct otlp *o;
	const char *path;
	uint8_t *buf;
	size_t size;
	const uint8_t *at;
	size_t bytes;
	unsigned int things;		/* flows or points */
	uint64_t refused;		/* by a partial success */
	_Atomic bool busy;
	struct rpc_timer again;
	struct rpc_backoff backoff;
	bool failing;
	char said[256];			/* in the log, of why */
};

struct otlp {
	struct agent *a;		/* not ours */
	struct rpc_loop *rpc;
	struct rpc_client_tls *tls;
	struct rpc_channel *channel;
	pthread_t thread;
	bool runs, ending;
	struct sending logs, metrics;
	bool send_logs, send_metrics;
	struct rpc_timer look, end;
	uint64_t next;			/* record */
	struct flow_views views;
	struct otlp_who who;
	char node[320];
	struct loop_timer round;	/* of metrics, on the loop */
	_Atomic uint64_t requests, failures, flows, points, lost, dropped, skipped;
};

static void on_look(void *ctx);
static void on_round(void *ctx);
static void send_it(void *ctx);

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void *run(void *ctx)
{
	struct otlp *o = ctx;

	rpc_loop_run(o->rpc);
	return NULL;
}

static int open_channel(struct otlp *o, struct complaint *why)
{
	const struct settings *s = &o->a->settings;
	struct rpc_tls_files files = { .ca = s->otlp_ca, .cert = s->otlp_cert, .key = s->otlp_key };
	struct rpc_target to = { .name = s->otlp_name };
	int err = settings_otlp_tls(s, &to.server) ? rpc_client_tls_open(&o->tls, &files, why) : 0;

	to.tls = o->tls;
	return err ?: rpc_channel_open(&o->channel, o->rpc, &to, why);
}

static void set_up(struct otlp *o)
{
	const struct flow_views *views = serve_views(o->a->serve);
	const struct settings *s = &o->a->settings;

	o->send_logs = strstr(s->otlp_send, "flows");
	o->send_metrics = strstr(s->otlp_send, "metrics");
	settings_node(s, o->node, sizeof(o->node));
	o->views = views ? *views : (struct flow_views){ .ends = o->a->ends, .rules = o->a->rules, .node = o->node,
							    .isolators = o->a->isolators };
	o->who = (struct otlp_who){ .node = s->node ?: "", .cluster = s->cluster ?: "", .started = real_ns() };
	o->logs = (struct sending){ .o = o, .path = LOGS_PATH, .backoff = { 500, 30000, 0 } };
	o->metrics = (struct sending){ .o = o, .path = METRICS_PATH, .backoff = { 500, 30000, 0 } };
	o->next = records_next(o->a->records);
}

int otlp_open(struct otlp **out, struct agent *a, struct complaint *why)
{
	struct otlp *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->a = a;
	set_up(o);
	o->logs.buf = malloc(LOGS_SIZE);
	o->logs.size = LOGS_SIZE;
	err = o->logs.buf ? rpc_loop_open(&o->rpc) ?: open_channel(o, why) : -ENOMEM;
	if (!err && o->send_logs)
		rpc_timer_set(o->rpc, &o->look, LOOK_MS, on_look, o);
	if (!err)
		err = -pthread_create(&o->thread, NULL, run, o);
	if (err) {
		otlp_close(o);
		return err;
	}
	o->runs = true;
	if (o->send_metrics)
		loop_after(a->loop, &o->round, a->settings.otlp_interval_ms, on_round, o);
	log_info("flows and metrics go to '%s' by OTLP (%s)", a->settings.otlp, a->settings.otlp_send);
	*out = o;
	return 0;
}

static void on_ended(void *ctx)
{
	struct otlp *o = ctx;

	rpc_loop_stop(o->rpc);
}

/* Calls under way get a moment; those that wait to be tried again do not. */
static void on_end(void *ctx)
{
	struct otlp *o = ctx;

	o->ending = true;
	rpc_timer_stop(o->rpc, &o->look);
	rpc_timer_stop(o->rpc, &o->logs.again);
	rpc_timer_stop(o->rpc, &o->metrics.again);
	rpc_timer_set(o->rpc, &o->end, atomic_load(&o->logs.busy) || atomic_load(&o->metrics.busy) ? END_MS : 0, on_ended, o);
}

void otlp_close(struct otlp *o)
{
	if (!o)
		return;
	loop_cancel(o->a->loop, &o->round);
	if (o->runs) {
		if (rpc_post(o->rpc, on_end, o))
			rpc_loop_stop(o->rpc);
		pthread_join(o->thread, NULL);
		quiet_away(o->a->quiet, QUIET_OTLP);
	}
	rpc_channel_close(o->channel);
	rpc_loop_close(o->rpc);
	rpc_client_tls_close(o->tls);
	free(o->logs.buf);
	free(o->metrics.buf);
	free(o);
}

/* --- A request and its answer. --- */

/* ExportLogsServiceResponse and its sister alike: partial_success = 1 { rejected = 1, error_message = 2 }. */
static bool on_answer(struct rpc_ask *ask, const uint8_t *data, size_t size, void *ctx)
{
	struct sending *s = ctx;
	uint64_t n = 0;

	if (size < 4 || data[0] != 0x0a || data[2] != 0x08)
		return true;
	for (size_t i = 3; i < size && i < 13; i++) {
		n |= (uint64_t)(data[i] & 0x7f) << 7 * (i - 3);
		if (!(data[i] & 0x80))
			break;
	}
	s->refused = n < s->things ? n : s->things;
	return true;
}

static bool may_yet(enum rpc_code code)
{
	return code == RPC_UNAVAILABLE || code == RPC_DEADLINE_EXCEEDED || code == RPC_RESOURCE_EXHAUSTED ||
	       code == RPC_ABORTED || code == RPC_CANCELLED || code == RPC_OUT_OF_RANGE || code == RPC_DATA_LOSS;
}

static void count_taken(struct sending *s)
{
	struct otlp *o = s->o;

	atomic_fetch_add(&o->requests, 1);
	atomic_fetch_add(s == &o->logs ? &o->flows : &o->points, s->things - s->refused);
	atomic_fetch_add(&o->dropped, s->refused);
	if (s->failing)
		log_info("'%s' takes them again by OTLP", o->a->settings.otlp);
	s->failing = false;
	s->backoff.tries = 0;
}

static void on_failure(struct sending *s, const struct rpc_end *end)
{
	struct otlp *o = s->o;

	atomic_fetch_add(&o->failures, 1);
	if (!s->failing || strncmp(s->said, end->text, sizeof(s->said) - 1))
		log_warn("cannot send to '%s' by OTLP: %s%s", o->a->settings.otlp, end->text,
			 may_yet(end->code) ? " (trying on)" : " (dropped)");
	snprintf(s->said, sizeof(s->said), "%s", end->text);
	s->failing = true;
}

static void on_end_of_call(struct rpc_ask *ask, const struct rpc_end *end, void *ctx)
{
	struct sending *s = ctx;
	struct otlp *o = s->o;

	if (end->code == RPC_OK) {
		count_taken(s);
	} else {
		on_failure(s, end);
		if (may_yet(end->code) && !o->ending) {
			rpc_timer_set(o->rpc, &s->again, rpc_backoff_next(&s->backoff), send_it, s);
			return;
		}
		atomic_fetch_add(&o->dropped, s->things);
	}
	atomic_store(&s->busy, false);
	if (s == &o->logs && !o->ending)
		rpc_timer_set(o->rpc, &o->look, s->things == BATCH ? 0 : LINGER_MS, on_look, o);
}

static void send_it(void *ctx)
{
	struct sending *s = ctx;
	struct rpc_ask *ask;

	s->refused = 0;
	if (rpc_ask(&ask, s->o->channel, &(struct rpc_ask_options){ .path = s->path, .data = s->at, .size = s->bytes,
		    .deadline_ms = DEADLINE_MS, .message = on_answer, .ended = on_end_of_call, .ctx = s }))
		rpc_timer_set(s->o->rpc, &s->again, rpc_backoff_next(&s->backoff), send_it, s);
}

/* --- Flows. --- */

static unsigned int read_batch(struct otlp *o, struct record record[BATCH], uint64_t number[BATCH])
{
	unsigned int n = 0;
	uint64_t first;
	int err = 0;

	while (n < BATCH && (err = records_copy(o->a->records, o->next, &record[n])) != -EAGAIN) {
		if (!err) {
			number[n++] = o->next++;
			continue;
		}
		/* lapped: on ahead of what is overwritten next, so that it is not lapped again at once */
		first = records_first(o->a->records) + records_capacity(o->a->records) / 8;
		if (first > records_next(o->a->records))
			first = records_next(o->a->records);
		atomic_fetch_add(&o->lost, first - o->next);
		if (o->a->losses)
			losses_add(o->a->losses, LOSS_EXPORT, first - o->next);
		o->next = first;
	}
	return n;
}

static void write_batch(struct otlp *o, const struct record *record, const uint64_t *number, unsigned int n)
{
	struct sending *s = &o->logs;
	struct otlp_request r;
	struct flow flow;

	o->who.now = real_ns();
	otlp_logs_begin(&r, s->buf, s->size, &o->who);
	for (unsigned int i = n; i--;) {
		flow_view(&o->views, &record[i], number[i], &flow);
		otlp_flow(&r, &flow);
	}
	s->things = n;
	if (!otlp_logs_end(&r)) {		/* two kilobytes each is more than any has */
		atomic_fetch_add(&o->dropped, n);
		return;
	}
	s->at = r.w.at;
	s->bytes = writer_size(&r.w);
	atomic_store(&s->busy, true);
	send_it(s);
}

static void on_look(void *ctx)
{
	struct record record[BATCH];
	uint64_t number[BATCH];
	struct otlp *o = ctx;
	unsigned int n;

	if (atomic_load(&o->logs.busy))
		return;
	quiet_point(o->a->quiet, QUIET_OTLP);
	n = read_batch(o, record, number);
	if (n)
		write_batch(o, record, number, n);
	quiet_away(o->a->quiet, QUIET_OTLP);
	if (!atomic_load(&o->logs.busy))
		rpc_timer_set(o->rpc, &o->look, LOOK_MS, on_look, o);
}

/* --- Metrics: written on the loop, sent by the thread. --- */

static bool write_metrics(struct otlp *o)
{
	struct sending *s = &o->metrics;
	struct metrics *m = meters_fresh(o->a->meters);
	struct otlp_who who = o->who;

	who.now = real_ns();
	for (size_t size = s->size ?: ROUND_SIZE; size <= ROUND_MOST; size *= 2) {
		struct otlp_request r;

		if (size > s->size) {
			free(s->buf);
			s->buf = malloc(size);
			s->size = s->buf ? size : 0;
			if (!s->buf)
				return false;
		}
		if (!otlp_metrics(&r, s->buf, size, &who, m))
			continue;
		s->at = r.w.at;
		s->bytes = writer_size(&r.w);
		s->things = r.points;
		return true;
	}
	return false;
}

static void on_round(void *ctx)
{
	struct otlp *o = ctx;
	struct sending *s = &o->metrics;

	loop_after(o->a->loop, &o->round, o->a->settings.otlp_interval_ms, on_round, o);
	if (atomic_load(&s->busy) || !write_metrics(o)) {
		atomic_fetch_add(&o->skipped, 1);
		return;
	}
	atomic_store(&s->busy, true);
	if (rpc_post(o->rpc, send_it, s)) {
		atomic_store(&s->busy, false);
		atomic_fetch_add(&o->skipped, 1);
	}
}

bool otlp_tls(const struct otlp *o, struct certs_state *out)
{
	if (!o || !o->tls)
		return false;
	rpc_client_tls_state(o->tls, out);
	return true;
}

void otlp_tls_check(const struct otlp *o, unsigned int days)
{
	if (o && o->tls)
		rpc_client_tls_check(o->tls, days);
}

void otlp_count(const struct otlp *o, struct otlp_counts *out)
{
	*out = (struct otlp_counts){ 0 };
	if (!o)
		return;
	out->requests = atomic_load(&o->requests);
	out->failures = atomic_load(&o->failures);
	out->flows = atomic_load(&o->flows);
	out->points = atomic_load(&o->points);
	out->lost = atomic_load(&o->lost);
	out->dropped = atomic_load(&o->dropped);
	out->skipped = atomic_load(&o->skipped);
}
