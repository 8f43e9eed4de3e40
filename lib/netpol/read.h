/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads manifests: YAML or JSON text, any number of documents, Lists too, to checked objects.
 *
 *	err = read_manifests(text, size, "db.yaml", each, ctx);
 *
 * Each object, and each document that is wrong, is handed over as it is met: exactly one of 'o' and 'why' is set.
 * 'o' is the receiver's to free.  A kind that weir does not use (Deployment, ConfigMap) is passed over; an
 * unknown one in an API group of ours is a complaint.  Returns 0, -ENOMEM, or what 'each' returned if not 0.
 *
 * Limits, refused with a complaint: 64 MiB of text, 64 levels deep, 100,000 nodes a document, 4,096 bytes a
 * scalar that is used; anchors, aliases, tags and duplicate keys.
 */
#ifndef WEIR_LIB_NETPOL_READ_H
#define WEIR_LIB_NETPOL_READ_H

#include "lib/complaint.h"
#include "lib/netpol/object.h"

typedef int (*read_fn)(void *ctx, struct object *o, const struct complaint *why);

int read_manifests(const char *text, size_t size, const char *file, read_fn each, void *ctx);

/* Objects as an API server may still hold them: a peer without a field, or with ipBlock and a selector, which a
 * manifest is refused for, matches nothing. */
int read_stored(const char *text, size_t size, const char *file, read_fn each, void *ctx);

#endif
