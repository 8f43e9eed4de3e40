/* SPDX-License-Identifier: Apache-2.0 */
/* The client's inside: channel.c, ask.c.  Nobody else includes this. */
#ifndef WEIR_LIB_RPC_CHANNEL_H
#define WEIR_LIB_RPC_CHANNEL_H

#include "lib/rpc/client.h"
#include "lib/rpc/loop_inside.h"

struct rpc_channel {
	struct rpc_loop *loop;
	grpc_channel *core;
	char *server, *dialled, *name;	/* as given; as gRPC writes it; of the certificate */
	struct rpc_client_tls *tls;
	uint64_t version;		/* of the certificates that 'core' has */
	uint64_t looked;		/* when the files were last looked at */
	size_t max_message;
	unsigned int window;
};

/* With certificates that changed a new channel of gRPC's takes over; calls keep the old one. */
int channel_refresh(struct rpc_channel *ch);

#endif
