/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept: objects by kind, namespace and name, each in the version that is in force and perhaps one that asks to be.
 *
 *	kept_offer(k, object);			waits for the commit
 *	kept_take(k);				accepted: what waited is in force
 *	kept_refuse(k, kind, ns, name, why);	this one is put back to its last good version, and listed
 *
 * Objects given to it are its to free.  Policies in force are kept packed (lib/netpol/pack.h).  One thread.
 */
#ifndef WEIR_AGENT_KEPT_H
#define WEIR_AGENT_KEPT_H

#include "agent/state.h"

struct kept;

int kept_new(struct kept **out);
void kept_free(struct kept *k);

int kept_offer(struct kept *k, struct object *o);
void kept_refuse(struct kept *k, enum object_kind kind, const char *ns, const char *name, const char *why);
void kept_take(struct kept *k);
void kept_gone(struct kept *k, enum object_kind kind, const char *ns, const char *name);

/* A Namespace or a Node in force, or NULL. */
const struct object *kept_find(const struct kept *k, enum object_kind kind, const char *ns, const char *name);

/* Policies in force, one by one; 'ns' NULL: of every namespace.  'o' is 'fn's to free by object_free(). */
typedef void (*kept_policy_fn)(void *ctx, struct object *o);
void kept_policies(const struct kept *k, enum object_kind kind, const char *ns, kept_policy_fn fn, void *ctx);

/* Those that were refused, one by one; 'good': an earlier version is in force. */
typedef void (*kept_refused_fn)(void *ctx, enum object_kind kind, const char *ns, const char *name, const char *why,
				bool good);
void kept_refused(const struct kept *k, kept_refused_fn fn, void *ctx);
void kept_rejected(const struct kept *k, state_reject_fn fn, void *ctx);

#endif
