/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens by which somebody may see the page: a file, a token a line.
 *
 *	tokens_open(&t, "/etc/weir/page.token", &why);
 *	if (tokens_match(t, said, &which)) ...		looks at the file: a stat() call
 *
 * Several hold at once, so that one can be replaced while the old one is still in use.  What the file says is what holds: a
 * file that is gone, empty, or readable by everybody lets nobody in, and this is logged.  Only hashes stay in memory, and
 * comparing takes as long whatever was said.  One thread.
 */
#ifndef WEIR_RELAY_TOKENS_H
#define WEIR_RELAY_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/complaint.h"

#define TOKENS_MOST	16
#define TOKEN_LEAST	16		/* characters */
#define TOKEN_LONGEST	512

struct token {
	uint8_t hash[32];
};
struct tokens;

int tokens_open(struct tokens **out, const char *path, struct complaint *why);
void tokens_close(struct tokens *t);		/* NULL is fine */

bool tokens_match(struct tokens *t, const char *said, struct token *which);
bool tokens_holds(struct tokens *t, const struct token *which);		/* still? */
uint64_t tokens_failures(const struct tokens *t);	/* changes of the file that let nobody in */

#endif
