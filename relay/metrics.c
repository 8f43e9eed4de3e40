// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "relay/metrics.h"
#include "relay/metrics_inside.h"
#include "relay/relay.h"

static void on_metrics(void *ctx, struct http_ask *ask);
static void on_health(void *ctx, struct http_ask *ask);
static void on_index(void *ctx, struct http_ask *ask);

int meters_open(struct meters **out, struct relay *relay, struct complaint *why)
{
	struct http_options options = { .connections = METERS_WAITING };
	struct meters *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->relay = relay;		/* not ours */
	err = metrics_new(&m->metrics) ?: meters_add(m) ?: http_open(&m->http, relay->loop, &options) ?:
	      http_at(m->http, "/metrics", on_metrics, m) ?: http_at(m->http, "/healthz", on_health, m) ?:
	      http_at(m->http, "/", on_index, m) ?:
	      http_listen(m->http, relay->settings.http, why);
	if (err) {
		meters_close(m);
		return err;
	}
	*out = m;
	return 0;
}

void meters_close(struct meters *m)
{
	if (!m)
		return;
	http_close(m->http);
	metrics_free(m->metrics);
	look_free(&m->look);
	free(m);
}

struct http *meters_http(struct meters *m)
{
	return m->http;
}

/* One look is written once for all who waited for it, in each format. */
struct written {
	char *text;
	size_t size;
};

static void answer(struct meters *m, struct http_ask *ask, struct written written[METRICS_OPEN + 1])
{
	enum metrics_format format = metrics_wanted(http_field(ask, "accept"));
	struct written *w = &written[format];

	if (!w->text && metrics_write(m->metrics, format, &w->text, &w->size)) {
		w->text = NULL;
		http_answer_text(ask, 500, "no memory\n");
		return;
	}
	http_answer(ask, &(struct http_answer){ .type = metrics_type(format), .fields = "Cache-Control: no-store\r\n",
						.body = w->text, .size = w->size });
}

static void look_again(struct meters *m);

/* On the main thread: all who waited are answered. */
static void on_looked(void *ctx)
{
	struct written written[METRICS_OPEN + 1] = { { NULL, 0 } };
	struct meters *m = ctx;

	m->looking = false;
	for (unsigned int i = 0; i < METERS_WAITING; i++) {
		struct http_ask *ask = m->wait[i].now ? m->wait[i].ask : NULL;

		m->wait[i].now = false;
		if (!ask)
			continue;
		m->wait[i].ask = NULL;
		if (m->wait[i].health)
			http_answer_text(ask, 200, "ok\n");
		else
			answer(m, ask, written);
	}
	for (unsigned int i = 0; i <= METRICS_OPEN; i++)
		free(written[i].text);
	look_again(m);			/* for those who came meanwhile */
}

/* On gRPC's thread. */
static void on_look(void *ctx)
{
	struct meters *m = ctx;

	look_take(&m->look, m->relay);
	if (loop_post(m->relay->loop, on_looked, m) && rpc_post(m->relay->rpc, on_look, m))
		log_warn("metrics: both threads have more to do than they can note down");
}

static void look_again(struct meters *m)
{
	bool wanted = false;

	if (m->looking)
		return;
	for (unsigned int i = 0; i < METERS_WAITING; i++) {
		m->wait[i].now = m->wait[i].ask;
		wanted |= m->wait[i].now;
	}
	if (!wanted)
		return;
	m->looking = true;
	if (rpc_post(m->relay->rpc, on_look, m))
		on_looked(m);		/* too much is posted there: the last look, then */
}

static void on_gone(void *ctx)
{
	((struct meters_wait *)ctx)->ask = NULL;
}

static void wait_for_look(struct meters *m, struct http_ask *ask, bool health)
{
	for (unsigned int i = 0; i < METERS_WAITING; i++) {
		struct meters_wait *w = &m->wait[i];

		if (w->ask || w->now)
			continue;
		*w = (struct meters_wait){ .ask = ask, .health = health };
		http_later(ask, on_gone, w);
		look_again(m);
		return;
	}
	http_answer_text(ask, 503, "too many ask\n");
}

static void on_metrics(void *ctx, struct http_ask *ask)
{
	wait_for_look(ctx, ask, false);
}

static void on_health(void *ctx, struct http_ask *ask)
{
	wait_for_look(ctx, ask, true);
}

static void on_index(void *ctx, struct http_ask *ask)
{
	if (strcmp(http_path(ask), "/"))
		http_answer_text(ask, 404, "there is nothing at '%s': /metrics and /healthz are here\n", http_path(ask));
	else
		http_answer_text(ask, 200, "weir-relay " WEIR_VERSION "\n\n/metrics    for Prometheus\n/healthz    ok while it turns\n");
}
