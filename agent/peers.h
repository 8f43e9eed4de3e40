/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: the agents of the cluster, as far as this one knows: itself, and the Nodes of the manifests.
 *
 *	peers_put(p, "n2", &addr);  peers_gone(p, "n2");		the loop, as the cluster changes
 *	since = 0;
 *	while (peers_after(p, &since, &peer))				any thread: who came, changed, went
 *		tell(&peer);
 *
 * Other nodes are told of only where this agent itself listens for others, that is by TLS: their agents are taken to
 * listen on the same port.
 */
#ifndef WEIR_AGENT_PEERS_H
#define WEIR_AGENT_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base.h>

#define PEERS_MOST 16384		/* more nodes are not told of */
#define PEER_TEXT 384

struct peers;

struct peers_options {			/* strings are copied */
	const char *node, *cluster;	/* cluster "": none */
	const char *self;		/* own address, "10.0.0.1:4244" or "unix:///run/weir/observer.sock" */
	unsigned int port;		/* of the others, too; 0: they are not told of */
	bool tls;
};

enum peer_change { PEER_CAME = 1, PEER_WENT, PEER_CHANGED };	/* the wire's ChangeNotificationType */
struct peer_news {
	enum peer_change change;
	char name[PEER_TEXT];		/* "cluster/node", or "node" */
	char address[PEER_TEXT];
	char server_name[PEER_TEXT];	/* that its certificate holds; "": plain text */
};

int peers_new(struct peers **out, const struct peers_options *options, void (*news)(void *ctx), void *ctx);
void peers_free(struct peers *p);		/* NULL is fine */

void peers_put(struct peers *p, const char *node, const struct weir_addr *addr);	/* NULL 'p' is fine */
void peers_gone(struct peers *p, const char *node);

/* The next change after '*since' (0: everybody comes), which is moved on.  False: there is none. */
bool peers_after(struct peers *p, uint64_t *since, struct peer_news *out);
void peers_self(struct peers *p, struct peer_news *out);

#endif
