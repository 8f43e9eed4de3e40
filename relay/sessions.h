/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has signed in: a random word for a browser's cookie, which stands for the token that was shown.
 *
 *	sessions_begin(s, &token, now, word);		the oldest goes when there are SESSIONS_MOST
 *	if (sessions_find(s, word, now, &found)) ...	and found.token must still hold
 *	sessions_end(s, word);
 *
 * Times are milliseconds of the monotonic clock.  Lost when the program ends.  One thread.
 */
#ifndef WEIR_RELAY_SESSIONS_H
#define WEIR_RELAY_SESSIONS_H

#include "relay/tokens.h"

#define SESSIONS_MOST	256
#define SESSION_WORD	33		/* 128 bits as hexadecimal digits, and a zero */

struct session {
	uint8_t id[16];
	struct token token;
	uint64_t until;			/* 0: free */
};

struct sessions {			/* zeroed, and 'lasts' set */
	uint64_t lasts;			/* milliseconds */
	struct session session[SESSIONS_MOST];
};

int sessions_begin(struct sessions *s, const struct token *token, uint64_t now, char word[SESSION_WORD]);
bool sessions_find(const struct sessions *s, const char *word, uint64_t now, struct session *out);
void sessions_end(struct sessions *s, const char *word);
unsigned int sessions_count(const struct sessions *s, uint64_t now);

#endif
