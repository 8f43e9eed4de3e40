// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/http/tls.h"
#include "lib/log.h"
#include "lib/rpc/health.h"
#include "lib/rpc/reflection.h"
#include "lib/rpc/unix.h"
#include "lib/wire/descriptors.h"
#include "relay/access.h"
#include "relay/cluster.h"
#include "relay/edges_follow.h"
#include "relay/edges_serve.h"
#include "relay/flows.h"
#include "relay/metrics.h"
#include "relay/notify.h"
#include "relay/page.h"
#include "relay/relay.h"
#include "relay/roster.h"
#include "relay/when.h"

#define GRACE_MS     500		/* for what is being answered when the relay ends */
#define DRAIN_MS     5000		/* for the calls to agents that it cancels */
#define DRAIN_LOOK_MS 10
#define CERT_DAYS    14			/* a certificate with less to live is warned of */
#define CERT_MS	     3600000
#define HEALTH	     "hubble.server.Observer"	/* what Hubble's command line asks for */
#define CALLS_MOST   1024
#define REQUEST_MOST (255 << 10)		/* bytes; an agent takes 256 KiB, and a little is added on the way */

/* What only the start and the end know. */
struct parts {
	struct relay relay;
	struct rpc_health *health;
	struct rpc_reflection *reflection;
	struct edges_follow *follow;
	struct edges_served served;
	struct roster *roster;
	struct meters *meters;
	struct page *page;
	struct peers_listener listener;
	struct rpc_timer certificates, drained;
	unsigned int drains;
	pthread_t thread;
	bool runs, stuck;
	int lock;
};

/* --- gRPC's thread. --- */

static void on_peer(void *ctx, struct peer *p)
{
	struct parts *r = ctx;
	struct peers_counts c;

	if (!r->health)
		return;			/* the first ones come before the server is made */
	peers_count(r->relay.peers, &c);
	rpc_health_set(r->health, c.state[PEER_CONNECTED] > 0);
}

static void on_certificates(void *ctx)
{
	struct parts *r = ctx;

	if (r->relay.client_tls)
		rpc_client_tls_check(r->relay.client_tls, CERT_DAYS);
	if (r->relay.server_tls)
		rpc_server_tls_check(r->relay.server_tls, CERT_DAYS);
	if (r->relay.access && access_tls(r->relay.access))
		http_tls_check(access_tls(r->relay.access), CERT_DAYS);
	rpc_timer_set(r->relay.rpc, &r->certificates, CERT_MS, on_certificates, r);
}

static void on_drained(void *ctx)
{
	struct parts *r = ctx;

	r->stuck = peers_left(r->relay.peers) || (r->roster && roster_busy(r->roster));
	if (!r->stuck || r->drains++ > DRAIN_MS / DRAIN_LOOK_MS)
		rpc_loop_stop(r->relay.rpc);
	else
		rpc_timer_set(r->relay.rpc, &r->drained, DRAIN_LOOK_MS, on_drained, r);
}

/* No client is left: now the agents. */
static void on_served(void *ctx)
{
	struct parts *r = ctx;

	if (r->page)
		page_stop(r->page);
	if (r->roster)
		roster_stop(r->roster);
	if (r->follow)
		edges_follow_stop(r->follow);
	peers_stop(r->relay.peers);
	rpc_timer_stop(r->relay.rpc, &r->certificates);
	rpc_timer_set(r->relay.rpc, &r->drained, 0, on_drained, r);
}

static void on_end(void *ctx)
{
	struct parts *r = ctx;

	rpc_server_stop(r->relay.server, GRACE_MS, on_served, r);
}

static void *run(void *ctx)
{
	struct parts *r = ctx;

	rpc_loop_run(r->relay.rpc);
	return NULL;
}

/* --- The start, part by part. --- */

static int make_dirs(const char *path)
{
	char part[512];

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (const char *at = path + 1; ; at++) {
		if (*at && *at != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		if (!*at)
			return 0;
	}
}

static int lock_data(struct parts *r)
{
	const char *data = r->relay.settings.data;
	char path[600], pid[32] = "";
	int err = make_dirs(data), n;

	if (err)
		return log_err(err, "cannot make the data directory '%s' (--data)", data);
	snprintf(path, sizeof(path), "%s/lock", data);
	r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock < 0)
		return log_err(-errno, "cannot write in the data directory '%s' (--data)", data);
	if (flock(r->lock, LOCK_EX | LOCK_NB)) {
		err = -errno;
		n = read(r->lock, pid, sizeof(pid) - 1);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		log_error("another relay, process %s, works in '%s': stop it, or give this one --data", pid, data);
		return err;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	return ftruncate(r->lock, 0) || pwrite(r->lock, pid, n, 0) != n ? log_err(-EIO, "cannot write '%s'", path) : 0;
}

static int open_tls(struct relay *r, struct complaint *why)
{
	const struct settings *s = &r->settings;
	struct rpc_tls_files peers = { .ca = s->peer_ca, .cert = s->peer_cert, .key = s->peer_key, .insecure = s->peer_insecure };
	struct rpc_tls_files clients = { .ca = s->ca, .cert = s->cert, .key = s->key };
	int err = 0;

	if (s->peer_ca || s->peer_insecure)
		err = rpc_client_tls_open(&r->client_tls, &peers, why);
	if (!err && s->cert)
		err = rpc_server_tls_open(&r->server_tls, &clients, why);
	return err;
}

static int open_nodes(struct parts *r, struct complaint *why)
{
	struct relay *relay = &r->relay;
	const struct settings *s = &relay->settings;
	struct roster_options who = { .list = &relay->settings.peer, .file = s->peers, .dns = s->peer_dns,
				      .service = s->peer_service, .tls = relay->client_tls };
	struct peers_options how = { .tls = relay->client_tls, .tls_name = s->peer_name };
	int err = peers_open(&relay->peers, relay->rpc, &how) ?: edges_open(&relay->edges, s->edges) ?:
		  edges_follow(&r->follow, relay->rpc, relay->peers, relay->edges) ?:
		  flows_new(&relay->flows, relay->rpc, relay->peers) ?: cluster_new(&relay->cluster, relay);

	if (err)
		return err;
	r->listener = (struct peers_listener){ .changed = on_peer, .ctx = r };
	peers_listen(relay->peers, &r->listener);
	return roster_open(&r->roster, relay->rpc, relay->peers, &who, why);
}

static int add_services(struct parts *r)
{
	struct relay *relay = &r->relay;
	struct rpc_server_options options = { .max_calls = CALLS_MOST, .max_request = REQUEST_MOST };
	int err = rpc_server_new(&relay->server, relay->rpc, &options);

	r->served = (struct edges_served){ relay->edges, relay->instance, relay->started };
	if (!err)
		err = rpc_server_add(relay->server, flows_methods, FLOWS_METHODS, relay->flows) ?:
		      rpc_server_add(relay->server, cluster_methods, CLUSTER_METHODS, relay->cluster) ?:
		      rpc_server_add(relay->server, edges_methods, EDGES_METHODS, &r->served) ?:
		      rpc_server_add(relay->server, notify_methods, NOTIFY_METHODS, relay->peers) ?:
		      rpc_health_new(&r->health, relay->server);
	if (!err)
		err = rpc_health_name(r->health, HEALTH) ?: rpc_health_name(r->health, "observer.Observer");
	if (!err)
		err = rpc_reflection_new(&r->reflection, relay->server, wire_descriptors, wire_descriptors_size);
	return err ?: rpc_server_header(relay->server, "hubble-relay-version", WEIR_VERSION);
}

static int listen_all(struct relay *r, struct complaint *why)
{
	const struct settings *s = &r->settings;
	struct rpc_unix at = { .path = s->socket, .mode = s->socket_mode };
	unsigned int port;
	int err = 0;

	for (unsigned int i = 0; i < s->listen.n && !err; i++) {
		err = rpc_server_listen(r->server, s->listen.value[i], r->server_tls, &port, why);
		if (!err)
			log_info("listening on '%s', port %u%s", s->listen.value[i], port,
				 r->server_tls ? ", mutual TLS" : ", plain text");
	}
	if (!err && s->socket)
		err = rpc_unix_listen(r->server, &at, why);
	return err;
}

static void on_signal(void *ctx)
{
	struct parts *r = ctx;

	loop_stop(r->relay.loop);
}

static int start(struct parts *r)
{
	struct relay *relay = &r->relay;
	struct complaint why = { 0 };
	char text[1024];
	int err = lock_data(r) ?: loop_open(&relay->loop) ?: loop_signal(relay->loop, SIGTERM, on_signal, r) ?:
		  loop_signal(relay->loop, SIGINT, on_signal, r);

	if (err)
		return err;
	err = rpc_loop_open(&relay->rpc) ?: open_tls(relay, &why) ?:
	      (relay->settings.page ? access_open(&relay->access, &relay->settings, &why) : 0) ?: open_nodes(r, &why) ?: add_services(r) ?:
	      listen_all(relay, &why) ?: (relay->settings.http ? meters_open(&r->meters, relay, &why) : 0) ?:
	      (relay->settings.page ? page_open(&r->page, relay, &why) : 0);
	if (err) {
		log_error("%s", why.text[0] ? complaint_text(&why, text, sizeof(text)) : strerror(-err));
		return err;
	}
	if (r->page)
		edges_follow_whole(r->follow, page_node_told, r->page);
	on_certificates(r);
	rpc_server_start(relay->server);
	err = -pthread_create(&r->thread, NULL, run, r);
	r->runs = !err;
	return err ? log_err(err, "cannot start a thread") : 0;
}

/* The same list upward; what hangs on agents' calls goes once those have ended. */
static void stop(struct parts *r)
{
	struct relay *relay = &r->relay;

	if (r->runs) {
		if (rpc_post(relay->rpc, on_end, r))
			rpc_loop_stop(relay->rpc);
		pthread_join(r->thread, NULL);
	} else if (relay->peers) {
		on_served(r);
		rpc_loop_run(relay->rpc);
	}
	if (r->stuck) {
		log_warn("calls to agents did not end: leaving without them");
		_exit(1);
	}
	meters_close(r->meters);
	page_close(r->page);
	access_close(relay->access);
	rpc_server_free(relay->server);
	rpc_reflection_free(r->reflection);
	rpc_health_free(r->health);
	roster_close(r->roster);
	edges_unfollow(r->follow);
	cluster_free(relay->cluster);
	flows_free(relay->flows);
	peers_close(relay->peers);
	rpc_loop_close(relay->rpc);
	edges_close(relay->edges);
	rpc_server_tls_close(relay->server_tls);
	rpc_client_tls_close(relay->client_tls);
	loop_close(relay->loop);
	if (r->lock >= 0)
		close(r->lock);
}

static void identify(struct relay *r)
{
	if (getrandom(&r->instance, sizeof(r->instance), 0) != sizeof(r->instance) || !r->instance)
		r->instance = when_real();
	srandom((unsigned int)r->instance);
	r->started = when_real();
}

/* The settings' own answers; -1: go on. */
static int answer(const struct settings *s)
{
	if (s->help)
		settings_help(stdout);
	else if (s->version)
		puts("weir-relay " WEIR_VERSION);
	else if (s->man)
		settings_man(stdout);
	return s->help || s->version || s->man || s->check_config ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct parts *r = calloc(1, sizeof(*r));
	struct complaint why = { 0 };
	char text[1024];
	int err;

	if (!r)
		return 1;
	log_open("weir-relay", LOG_LEVEL_INFO, false);
	r->lock = -1;
	if (settings_read(&r->relay.settings, argc, argv, &why)) {
		log_error("%s", complaint_text(&why, text, sizeof(text)));
		free(r);
		return 2;
	}
	log_open("weir-relay", r->relay.settings.level, r->relay.settings.json);
	err = answer(&r->relay.settings);
	if (err < 0) {
		mallopt(M_ARENA_MAX, 1);	/* one thread allocates: more would only hold more */
		mallopt(M_MMAP_THRESHOLD, 128 << 10);	/* the default, pinned: what is large comes and goes by itself */
		signal(SIGPIPE, SIG_IGN);
		identify(&r->relay);
		err = start(r);
		if (!err)
			err = loop_run(r->relay.loop);
		stop(r);
	}
	free(r);
	return err ? 1 : 0;
}
