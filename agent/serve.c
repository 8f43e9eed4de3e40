// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/serve_inside.h"
#include "lib/log.h"
#include "lib/rpc/unix.h"
#include "lib/wire/descriptors.h"

#define REQUEST_MOST (256U << 10)	/* bytes: a thousand filters fit */
#define GRACE_MS 300			/* for calls that are being answered when the agent ends */
#define KICK_MS 1			/* the reader's bell is what spaces wake-ups */
#define HEALTH "hubble.server.Observer"	/* what Hubble's command line asks for */

static void *run(void *ctx);
static int listen_all(struct serve *s, struct complaint *why);

static void on_news(void *ctx)
{
	serve_news(ctx);
}

static void on_hints(void *ctx)
{
	observer_hinted(ctx);
}

uint64_t agent_number(const struct agent *a)
{
	const char *node = a->settings.node ?: "";
	uint64_t h = 14695981039346656037ULL ^ a->started;

	for (; *node; node++)
		h = (h ^ (unsigned char)*node) * 1099511628211ULL;
	return h ^ (uint64_t)getpid() << 32;
}

static void set_views(struct serve *s)
{
	struct agent *a = s->a;

	settings_node(&a->settings, s->node, sizeof(s->node));
	s->views = (struct flow_views){ .ends = a->ends, .rules = a->rules, .node = s->node, .node_number = agent_number(a),
				      .isolators = a->isolators };
	s->source = (struct stream_source){ .records = a->records, .views = &s->views, .losses = a->losses, .quiet = a->quiet,
					    .reader = a->reader, .hints = s->hints, .rpc = s->loop };
}

static int add_services(struct serve *s)
{
	int err = observer_add(s) ?: event_service_add(s) ?: peer_service_add(s) ?: agent_service_add(s) ?: edge_service_add(s);

	if (!err)
		err = rpc_health_new(&s->health, s->server);
	if (!err)
		err = rpc_health_name(s->health, HEALTH) ?: rpc_health_name(s->health, "observer.Observer");
	if (!err)
		err = rpc_reflection_new(&s->reflection, s->server, wire_descriptors, wire_descriptors_size);
	return err ?: rpc_server_header(s->server, "hubble-server-version", WEIR_VERSION);
}

static int open_tls(struct rpc_server_tls **out, const struct settings *want, struct complaint *why)
{
	struct rpc_tls_files files = { .ca = want->tls_client_ca, .cert = want->tls_cert, .key = want->tls_key };

	return want->tls_cert ? rpc_server_tls_open(out, &files, why) : 0;
}

int serve_check(const struct settings *want, struct complaint *why)
{
	struct rpc_server_tls *tls = NULL;
	int err = open_tls(&tls, want, why);

	rpc_server_tls_close(tls);
	return err;
}

/* Where this agent is found, for who asks it for peers. */
static int open_peers(struct serve *s)
{
	const struct settings *want = &s->a->settings;
	char self[PEER_TEXT];
	struct peers_options options = { .node = want->node, .cluster = want->cluster ?: "", .self = self,
					 .port = s->tls ? s->port : 0, .tls = s->tls };

	if (s->port)
		snprintf(self, sizeof(self), "%.*s:%u", (int)(strrchr(want->listen, ':') - want->listen), want->listen, s->port);
	else
		snprintf(self, sizeof(self), "unix://%s", want->observer_socket);
	return peers_new(&s->peers, &options, on_news, s);
}

static int begin(struct serve *s, struct complaint *why)
{
	struct rpc_server_options options = { .max_request = REQUEST_MOST, .max_calls = SERVE_CALLS,
					      .kick_ms = KICK_MS };
	int err = rpc_loop_open(&s->loop) ?: rpc_server_new(&s->server, s->loop, &options) ?:
		  errands_new(&s->errands, s->a->loop, s->loop) ?:
		  hints_new(&s->hints, s->a, s->errands, s->loop, on_hints, s);

	if (err)
		return err;
	set_views(s);
	err = add_services(s) ?: open_tls(&s->tls, &s->a->settings, why) ?: listen_all(s, why) ?: open_peers(s);
	if (err)
		return err;
	rpc_server_start(s->server);
	err = -pthread_create(&s->thread, NULL, run, s);
	s->runs = !err;
	if (s->runs)
		reader_bell(s->a->reader, on_news, s);
	return err;
}

int serve_open(struct serve **out, struct agent *a, struct complaint *why)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	if (err)
		return err;
	s->a = a;			/* not ours */
	why->text[0] = '\0';
	err = begin(s, why);
	if (err) {
		if (!why->text[0])
			complaint_set(why, 0, 0, "cannot serve gRPC: %s", strerror(-err));
		serve_close(s);
		return err;
	}
	*out = s;
	return 0;
}

static int listen_all(struct serve *s, struct complaint *why)
{
	const struct settings *want = &s->a->settings;
	struct rpc_unix at = { .path = want->observer_socket, .mode = want->socket_mode };
	int err = want->observer_socket ? rpc_unix_listen(s->server, &at, why) : 0;

	if (!err && want->listen)
		err = rpc_server_listen(s->server, want->listen, s->tls, &s->port, why);
	if (!err && want->listen)
		log_info("gRPC on %s%s, port %u", want->listen, s->tls ? " by mutual TLS" : " in plain text", s->port);
	return err;
}

static void *run(void *ctx)
{
	struct serve *s = ctx;

	rpc_loop_run(s->loop);
	return NULL;
}

static void on_stopped(void *ctx)
{
	struct serve *s = ctx;

	rpc_loop_stop(s->loop);
}

static void on_stop(void *ctx)
{
	struct serve *s = ctx;

	rpc_server_stop(s->server, GRACE_MS, on_stopped, s);
}

struct settling {
	struct reader_drain drain;
	sem_t done;
};

static void on_settled(struct reader_drain *d, uint64_t next, uint64_t time)
{
	sem_post(&((struct settling *)d)->done);
}

/* The reader's thread may be about to ring, or to answer a mark: when it has done this as well, it has done that. */
static void settle_reader(struct reader *r)
{
	struct settling w = { .drain = { .fn = on_settled } };

	sem_init(&w.done, 0, 0);
	if (!reader_drain(r, &w.drain))
		while (sem_wait(&w.done) && errno == EINTR)
			;
	sem_destroy(&w.done);
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	if (s->runs) {
		reader_bell(s->a->reader, NULL, NULL);
		if (rpc_post(s->loop, on_stop, s))
			rpc_loop_stop(s->loop);
		pthread_join(s->thread, NULL);
		settle_reader(s->a->reader);
	}
	errands_free(s->errands);
	rpc_server_free(s->server);
	rpc_reflection_free(s->reflection);
	rpc_health_free(s->health);
	hints_free(s->hints);
	rpc_loop_close(s->loop);
	rpc_server_tls_close(s->tls);
	peers_free(s->peers);
	serve_labels_free(s);
	free(s);
}

void serve_ready(struct serve *s)
{
	if (s)
		rpc_health_set(s->health, true);
}

void serve_news(struct serve *s)
{
	if (s)
		rpc_server_kick(s->server);
}

struct peers *serve_peers(struct serve *s)
{
	return s ? s->peers : NULL;
}

unsigned int serve_port(const struct serve *s)
{
	return s ? s->port : 0;
}

struct rpc_server *serve_server(const struct serve *s)
{
	return s->server;
}

const struct flow_views *serve_views(const struct serve *s)
{
	return s ? &s->views : NULL;
}

bool serve_tls(const struct serve *s, struct certs_state *out)
{
	if (s->tls)
		rpc_server_tls_state(s->tls, out);
	return s->tls;
}

void serve_tls_check(const struct serve *s, unsigned int days)
{
	if (s && s->tls)
		rpc_server_tls_check(s->tls, days);
}

void serve_count(const struct serve *s, struct serve_counts *out)
{
	struct hints_counts hints;

	hints_count(s->hints, &hints);
	out->streams = __atomic_load_n(&s->n_streams, __ATOMIC_RELAXED);
	out->hints_asked = hints.asked;
	out->hints_refused = hints.refused;
}
