/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State: what the cluster is, from a directory of manifests: the files are the cluster.
 *
 *	state_open(&s, loop, "/etc/weir/cluster", &listener);	reads everything, tells it, then follows
 *
 * Files ending in .yaml, .yml or .json count, in the directory and its folders, one level deep; names that begin
 * with a dot and editors' leftovers do not.  Replacing a file by rename, or writing it in place, is one change: a
 * file is read when its writer closes it, or has been still for a while; a deleted one counts after a moment, as
 * some editors delete before they write anew.  A file that does not parse, cannot be read, or is still being written
 * keeps what it said last, also over a restart (lastgood.h).
 *
 * A listener is told what came, what went, and when what was said so far belongs together.  Another source, the
 * Kubernetes API, tells the same listener the same way.
 */
#ifndef WEIR_AGENT_STATE_H
#define WEIR_AGENT_STATE_H

#include <stdbool.h>

#include "lib/complaint.h"
#include "lib/loop.h"
#include "lib/netpol/object.h"

struct state_listener {
	void (*object)(void *ctx, struct object *o);	/* new or changed, or just said again; the listener's to free */
	void (*gone)(void *ctx, enum object_kind kind, const char *ns, const char *name);
	void (*settled)(void *ctx);
	void *ctx;
};

/* What was not taken. */
struct state_reject {
	const char *object;		/* "file.yaml", or "file.yaml: Pod shop/web" */
	const char *why;		/* one line; a complaint begins with file and line */
	bool last_good;			/* something that the file said before is in force still */
};
typedef void (*state_reject_fn)(void *ctx, const struct state_reject *reject);

struct state;

/* 'data': the agent's own directory. */
int state_open(struct state **out, struct loop *loop, const char *dir, const char *data, const struct state_listener *to);
void state_close(struct state *s);			/* NULL is fine */

/* Without a directory: manifests as they are handed over, as if they were one file. */
int state_new(struct state **out, const struct state_listener *to);
int state_apply(struct state *s, const char *text, size_t size, bool replace);
void state_drop(struct state *s, enum object_kind kind, const char *ns, const char *name);

void state_rejected(const struct state *s, state_reject_fn fn, void *ctx);

#endif
