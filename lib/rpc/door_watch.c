// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "lib/rpc/door_watch.h"
#include "lib/rpc/seldom.h"

#define PEEKED 64

static void answered(void *watch)
{
	struct watch *w = watch;

	atomic_fetch_add(&w->epoch, 1);
	atomic_store(&w->asked, false);
}

void watch_open(struct watch *w, struct rpc_loop *loop)
{
	w->loop = loop;
	w->bell = (struct rpc_bell){ .fn = answered, .ctx = w };
}

void watch_close(struct watch *w)
{
	if (w->loop)
		rpc_bell_forget(w->loop, &w->bell);
}

void watch_begin(struct watch *w, struct door_guest *g)
{
	if (g->watched)
		return;
	if (!w->guests)
		w->next = rpc_now_ms() + WATCH_MS;
	g->watched = true;
	g->watched_next = w->guests;
	w->guests = g;
}

void watch_end(struct watch *w, struct door_guest *g)
{
	for (struct door_guest **p = &w->guests; g->watched && *p; p = &(*p)->watched_next)
		if (*p == g) {
			*p = g->watched_next;
			break;
		}
	g->watched = false;
}

int watch_ms(const struct watch *w)
{
	uint64_t now = rpc_now_ms();

	if (!w->guests)
		return -1;
	return now < w->next ? (int)(w->next - now) : 0;
}

/* What lies unread begins with this; 0: nothing does. */
static uint64_t unread_head(int fd)
{
	uint8_t bytes[PEEKED];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	uint64_t h = 14695981039346656037ULL;

	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * 1099511628211ULL;
	return h | 1;
}

/* What a unix socket holds is thrown away: gRPC would go on reading it. */
static void cut(struct door_guest *g)
{
	static _Thread_local uint8_t rest[65536];
	static struct seldom said;
	char more[SELDOM_MORE];

	if (seldom(&said, more))
		log_warn("%s floods us: cut off%s", g->peer.address, more);
	door_cut(g);
	for (int i = 0; i < 64 && recv(g->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++)
		;
}

/* Is it likely of the same hand as one that was just cut: it waits to be read, too, and has had no call of its own answered;
 * over TLS, where calls are not known here, it comes from the same address. */
static bool accomplice(const struct door_guest *g, const struct door_guest *of)
{
	size_t n;

	if (atomic_load(&g->proven) || !g->head || g->peer.kind != of->peer.kind || (g->theirs < 0) != (of->theirs < 0))
		return false;
	if (g->peer.kind == RPC_PEER_UNIX)
		return g->peer.uid == of->peer.uid;
	n = (size_t)(strrchr(of->peer.address, ':') - of->peer.address);
	return !strncmp(g->peer.address, of->peer.address, n + 1);
}

/* Who floods us by hundreds of connections is not given the time that each would take. */
static void cut_others(struct watch *w, const struct door_guest *of)
{
	for (struct door_guest *g = w->guests; g; g = g->watched_next)
		if (g != of && !atomic_load(&g->cut) && accomplice(g, of))
			cut(g);
}

/* Has it been read from since we last looked, in the time that the loop does not answer: a strike.  True: something is
 * unread still. */
static bool look_at(struct watch *w, struct door_guest *g, bool busy)
{
	uint64_t head = unread_head(g->fd);
	unsigned int epoch = atomic_load(&w->epoch);

	if (!busy || g->epoch != epoch)
		g->strikes = 0;
	else if (head != g->head)
		g->strikes++;
	g->epoch = epoch;
	g->head = head;
	if (g->strikes < WATCH_STRIKES)
		return head;
	cut(g);
	cut_others(w, g);
	return false;
}

void watch_look(struct watch *w, void (*quiet)(struct door_guest *g, void *ctx), void *ctx)
{
	bool busy = atomic_load(&w->asked);
	struct door_guest **p = &w->guests;

	if (!w->guests || rpc_now_ms() < w->next)
		return;
	w->next = rpc_now_ms() + WATCH_MS;
	while (*p) {
		struct door_guest *g = *p;

		if (look_at(w, g, busy)) {
			p = &g->watched_next;
			continue;
		}
		*p = g->watched_next;
		g->watched = false;
		quiet(g, ctx);
	}
	if (w->guests && !atomic_exchange(&w->asked, true))
		rpc_bell_ring(w->loop, &w->bell);
}
