// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/metrics_look.h"
#include "relay/relay.h"

/* Room for 'n' things of a growing array; false: no memory, and the answer will be short of some. */
static bool room(void **at, unsigned int *have, unsigned int n, size_t size)
{
	void *more;

	if (n <= *have)
		return true;
	more = realloc(*at, (size_t)(n + n / 2 + 16) * size);
	if (!more)
		return false;
	*at = more;
	*have = n + n / 2 + 16;
	return true;
}

static void take_peers(struct look *l, struct peers *peers)
{
	l->peers = 0;
	for (const struct peer *p = peers_first(peers); p; p = p->next) {
		struct look_peer *to;

		if (!room((void **)&l->peer, &l->peer_room, l->peers + 1, sizeof(*l->peer)))
			return;
		to = &l->peer[l->peers++];
		*to = (struct look_peer){ .state = p->state, .foreign = p->foreign, .clock_known = p->clock_known,
					  .clock_offset = p->clock_offset, .round_trip = p->round_trip, .passed = p->counts.passed,
					  .late = p->counts.late, .lost = p->lost, .garbage = p->garbage, .connects = p->connects };
		strcpy(to->name, p->name);
	}
}

/* Where the text is now may change: kept as a distance until all is there. */
static bool keep(struct look *l, const char **at)
{
	size_t n = strlen(*at) + 1;
	char *more;

	if (l->text_used + n > l->text_room) {
		more = realloc(l->text, (l->text_used + n) * 2);
		if (!more)
			return false;
		l->text = more;
		l->text_room = (l->text_used + n) * 2;
	}
	memcpy(l->text + l->text_used, *at, n);
	*at = (const char *)l->text_used;
	l->text_used += n;
	return true;
}

static void take_edges(struct look *l, const struct edges *edges)
{
	unsigned int end = edges_end(edges);

	l->edges = 0;
	l->text_used = 0;
	if (!room((void **)&l->edge, &l->edge_room, end, sizeof(*l->edge)))
		return;
	for (unsigned int i = 0; i < end; i++) {
		const struct edge *e = edges_at(edges, i);
		struct look_edge *to = &l->edge[l->edges];

		if (!e)
			continue;
		*to = (struct look_edge){ .source = e->source, .destination = e->destination, .proto = e->proto, .live = e->live };
		memcpy(to->sum, e->sum, sizeof(to->sum));
		memcpy(to->bucket, e->bucket, sizeof(to->bucket));
		l->edges += keep(l, &to->source.ns) && keep(l, &to->source.workload) && keep(l, &to->destination.ns) &&
			    keep(l, &to->destination.workload);
	}
	for (unsigned int i = 0; i < l->edges; i++) {
		struct look_edge *e = &l->edge[i];

		e->source.ns = l->text + (size_t)e->source.ns;
		e->source.workload = l->text + (size_t)e->source.workload;
		e->destination.ns = l->text + (size_t)e->destination.ns;
		e->destination.workload = l->text + (size_t)e->destination.workload;
	}
}

void look_take(struct look *l, struct relay *relay)
{
	struct edges_lost lost;

	take_peers(l, relay->peers);
	take_edges(l, relay->edges);
	for (l->losts = 0; l->losts < LOOK_LOST_MOST && edges_lost(relay->edges, l->losts, &lost); l->losts++) {
		snprintf(l->lost[l->losts].where, sizeof(l->lost[0].where), "%s", lost.where);
		l->lost[l->losts].events = lost.events;
	}
	peers_count(relay->peers, &l->peers_counts);
	edges_count(relay->edges, &l->edges_counts);
	flows_count(relay->flows, &l->flows_counts);
}

void look_free(struct look *l)
{
	free(l->peer);
	free(l->edge);
	free(l->text);
}
