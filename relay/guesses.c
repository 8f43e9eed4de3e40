// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/addr.h"
#include "relay/guesses.h"

static struct weir_addr network_of(const struct weir_addr *peer)
{
	struct weir_addr a = *peer;

	if (!addr_is_v4(&a))
		memset(&a.byte[8], 0, 8);
	return a;
}

/* Its place, a free one if 'make', or that of all others. */
static const struct guess *place_of(const struct guesses *g, const struct weir_addr *peer, uint64_t now, bool make)
{
	struct weir_addr a = network_of(peer);
	const struct guess *free_one = NULL;

	for (const struct guess *at = g->guess; at < g->guess + GUESSES_PEERS; at++) {
		if (at->until > now && addr_equal(&at->peer, &a))
			return at;
		if (at->until <= now)
			free_one = at;
	}
	return free_one && make ? free_one : free_one ? NULL : &g->others;
}

unsigned int guesses_wait(const struct guesses *g, const struct weir_addr *peer, uint64_t now)
{
	const struct guess *at = place_of(g, peer, now, false);
	uint64_t most = now + (GUESSES_AT_ONCE - 1) * GUESS_MS;

	return at && at->until > most ? at->until - most : 0;
}

void guesses_wrong(struct guesses *g, const struct weir_addr *peer, uint64_t now)
{
	const struct guess *at = place_of(g, peer, now, true);
	struct guess *to = at == &g->others ? &g->others : &g->guess[at - g->guess];

	to->peer = network_of(peer);
	to->until = (to->until > now ? to->until : now) + GUESS_MS;
}
