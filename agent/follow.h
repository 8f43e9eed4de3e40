/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follow: which manifests of a directory came, changed, or went.
 *
 *	follow_open(&f, loop, "/etc/weir/cluster", &to);	tells of all that is there before it returns
 *
 * Names are told relative to the directory, one folder deep.  A file is told of once its writer has closed it or
 * renamed it into place, or after FOLLOW_STILL_MS without a write; who is told and finds that it is still being
 * written says so, and is told again.  A file that went counts only if it is still away after FOLLOW_AWAY_MS.  What a
 * link leads to outside the directory tells nobody, and is looked at every FOLLOW_LINKS_MS.  When events are lost, or
 * a folder changes, everything is looked at again.  If the directory itself goes, or is unmounted, nothing is told to be gone,
 * and it is looked for every second, until there is a manifest in it.
 */
#ifndef WEIR_AGENT_FOLLOW_H
#define WEIR_AGENT_FOLLOW_H

#include "lib/loop.h"

#define FOLLOW_STILL_MS 250
#define FOLLOW_AWAY_MS 50
#define FOLLOW_LINKS_MS 1000
#define FOLLOW_HELD_MS 5000

struct follow_to {
	/* New, or changed: read it.  -EBUSY: somebody is writing it, tell me again. */
	int (*changed)(void *ctx, const char *name);
	void (*held)(void *ctx, const char *name);	/* busy for FOLLOW_HELD_MS: told once */
	void (*gone)(void *ctx, const char *name);
	void (*settled)(void *ctx);			/* what was told since the last time belongs together */
	void *ctx;
};

struct follow;

int follow_open(struct follow **out, struct loop *loop, const char *dir, const struct follow_to *to);
void follow_close(struct follow *f);			/* NULL is fine */

/* As if 'name' had changed, in FOLLOW_STILL_MS. */
void follow_again(struct follow *f, const char *name);

#endif
