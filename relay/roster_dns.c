// SPDX-License-Identifier: Apache-2.0
// getaddrinfo() may take as long as it likes, so it has a thread of its own, for as long as it takes.
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "relay/roster_inside.h"

#define DNS_MS	     30000
#define DNS_SOON_MS  2000		/* after a failure, and until it has been answered once */

struct resolving {
	struct roster *roster;		/* NULL: it has been closed */
	struct rpc_loop *loop;
	pthread_t thread;
	char host[PEER_TEXT], port[16];
	struct addrinfo *found;
	int error;			/* EAI_* */
};

static void on_dns(void *ctx);

static void take(struct roster *r, const struct addrinfo *found)
{
	struct named new = { 0 };

	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		char host[64], port[16], server[PEER_TEXT];

		if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port, sizeof(port),
				NI_NUMERICHOST | NI_NUMERICSERV))
			continue;
		snprintf(server, sizeof(server), a->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
		if (named_add(&new, server))
			break;
		peers_put(r->peers, &(struct peer_at){ .server = server });
	}
	named_replace(r, &r->from_dns, &new);
}

/* On the loop's thread: the answer. */
static void on_resolved(void *ctx)
{
	struct resolving *q = ctx;
	struct roster *r = q->roster;

	if (r) {
		pthread_join(q->thread, NULL);
		r->resolving = NULL;
	}
	if (r && !r->stopped) {
		if (q->error)
			log_warn("cannot resolve '%s': %s: the nodes stay as they were", q->host, gai_strerror(q->error));
		else
			take(r, q->found);
		rpc_timer_set(r->loop, &r->dns_timer, q->error ? DNS_SOON_MS : DNS_MS, on_dns, r);
	}
	if (q->found)
		freeaddrinfo(q->found);
	free(q);
}

static void *resolve(void *ctx)
{
	struct resolving *q = ctx;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	q->error = getaddrinfo(q->host, q->port, &hints, &q->found);
	if (q->error)
		q->found = NULL;
	while (rpc_post(q->loop, on_resolved, q) == -EAGAIN)
		sched_yield();
	return NULL;
}

static void on_dns(void *ctx)
{
	struct roster *r = ctx;
	struct resolving *q = calloc(1, sizeof(*q));
	const char *colon = strrchr(r->options.dns, ':');

	if (q) {
		q->roster = r;
		q->loop = r->loop;
		snprintf(q->host, sizeof(q->host), "%.*s", (int)(colon - r->options.dns), r->options.dns);
		snprintf(q->port, sizeof(q->port), "%s", colon + 1);
		r->resolving = q;
	}
	if (q && !pthread_create(&q->thread, NULL, resolve, q))
		return;
	free(q);
	r->resolving = NULL;
	rpc_timer_set(r->loop, &r->dns_timer, DNS_SOON_MS, on_dns, r);
}

int roster_dns_open(struct roster *r, struct complaint *why)
{
	on_dns(r);
	return 0;
}

/* One still under way ends by itself; the loop runs what it has posted when it is closed, and that frees it. */
void roster_dns_close(struct roster *r)
{
	if (!r->resolving)
		return;
	pthread_join(r->resolving->thread, NULL);
	r->resolving->roster = NULL;
}
