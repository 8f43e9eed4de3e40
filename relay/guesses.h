/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often an address may be wrong: GUESSES_AT_ONCE times, then once each GUESS_MS.
 *
 *	wait = guesses_wait(g, peer, now);		0: it may try
 *	guesses_wrong(g, peer, now);
 *
 * IPv6 addresses count by their /64.  Those that find no place share one.  Times are milliseconds.  One thread.
 */
#ifndef WEIR_RELAY_GUESSES_H
#define WEIR_RELAY_GUESSES_H

#include <stdint.h>

#include <weir/base.h>

#define GUESSES_AT_ONCE	10
#define GUESS_MS	6000
#define GUESSES_PEERS	256

struct guesses {			/* zeroed */
	struct guess {
		struct weir_addr peer;
		uint64_t until;		/* when all that was wrong is forgotten; past: free */
	} guess[GUESSES_PEERS], others;
};

unsigned int guesses_wait(const struct guesses *g, const struct weir_addr *peer, uint64_t now);	/* milliseconds */
void guesses_wrong(struct guesses *g, const struct weir_addr *peer, uint64_t now);

#endif
