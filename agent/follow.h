/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follow: which manifests of a directory came, changed, or went.
 *
 *	follow_open(&f, loop, "/etc/weir/cluster", &to);	tells of all that is there before it returns
 *
 * Names are told relative to the directory, one folder deep.  A file is told of once its writer has closed it or
 * renamed it into place, or after FOLLOW_STILL_MS without a write if it stays open; a file that went, only if it
 * is still away after FOLLOW_AWAY_MS.  When events are lost, or a folder changes, everything is looked at again.
 * If the directory itself goes, nothing is told to be gone, and it is looked for every second.
 */
#ifndef WEIR_AGENT_FOLLOW_H
#define WEIR_AGENT_FOLLOW_H

#include "lib/loop.h"

#define FOLLOW_STILL_MS 250
#define FOLLOW_AWAY_MS 50

struct follow_to {
	void (*changed)(void *ctx, const char *name);	/* new, or changed: read it */
	void (*gone)(void *ctx, const char *name);
	void (*settled)(void *ctx);			/* what was told since the last time belongs together */
	void *ctx;
};

struct follow;

int follow_open(struct follow **out, struct loop *loop, const char *dir, const struct follow_to *to);
void follow_close(struct follow *f);			/* NULL is fine */

#endif
