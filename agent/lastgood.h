/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Last good: what a file of manifests said when it was last read without a fault, kept on disk.  An agent that starts
 * while a file is broken, or half written, has what it said before, and so opens nothing.
 *
 *	lastgood_open(&g, "/var/lib/weir", "/etc/weir/cluster");
 *	lastgood_keep(g, "db.yaml", text, size, &st);		written only if it differs in time or size
 *	lastgood_recall(g, "db.yaml", &text, &size);
 *	lastgood_sweep(g);					those whose files are gone
 *
 * In DATA/manifests, a file each, called by a hash of its name; the first line says whose it is.  Names are told
 * relative to the directory of manifests.  One thread.
 */
#ifndef WEIR_AGENT_LASTGOOD_H
#define WEIR_AGENT_LASTGOOD_H

#include <stddef.h>

struct stat;
struct lastgood;

int lastgood_open(struct lastgood **out, const char *data, const char *dir);
void lastgood_close(struct lastgood *g);		/* NULL is fine */

void lastgood_keep(struct lastgood *g, const char *name, const char *text, size_t size, const struct stat *st);
int lastgood_recall(struct lastgood *g, const char *name, char **text, size_t *size);	/* -ENOENT; 'text' is to be freed */
void lastgood_drop(struct lastgood *g, const char *name);
void lastgood_sweep(struct lastgood *g);

int lastgood_remove(const char *data);			/* all of it, when weir goes */

#endif
