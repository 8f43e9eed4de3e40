/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two pods and what lies between them, one set of namespaces for each thing that is compared.
 *
 *	path_open(&p, PATH_WEIR, &why);		pod c 10.0.0.1, fd00::1 - host h - pod s 10.0.0.2, fd00::2
 *	path_pods(p, &client, &server);		namespaces to open sockets in
 *	path_drain(p);				rings, as a reader would
 *	path_close(p);				nothing is left
 */
#ifndef WEIR_BENCH_PATHS_H
#define WEIR_BENCH_PATHS_H

#include "lib/complaint.h"
#include "lib/netns.h"

#define PATHS(X)							\
	X(PLAIN,       "plain routing")					\
	X(DIRECT,      "bare veth, no host between")			\
	X(EMPTY_TCX,   "empty tcx on both ends, both ways")		\
	X(PEER,        "redirect_peer alone")				\
	X(MINI,        "mini2, redirect")				\
	X(WEIR,        "weir, redirect")				\
	X(WEIR_STACK,  "weir, stack mode")				\
	X(NFT_SET_1,   "nft, set of 1")					\
	X(NFT_SET_10K, "nft, set of 10,000")				\
	X(NFT_LINEAR,  "nft, 1,000 rules in line")
enum path_kind {
#define X(id, text) PATH_##id,
	PATHS(X)
#undef X
	PATH_KINDS
};

struct path;

int path_open(struct path **out, enum path_kind kind, struct complaint *why);
void path_close(struct path *p);		/* NULL is fine */
const struct netns *path_pod(const struct path *p, bool server);
void path_drain(struct path *p);
struct datapath *path_datapath(const struct path *p);	/* weir's; NULL: it is no path of ours */
const char *path_text(enum path_kind kind);

#endif
