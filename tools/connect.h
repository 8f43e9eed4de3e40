/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a verb talks to by gRPC, and how: an agent, or a relay.
 *
 *	static const struct opt options[] = { ..., OPT_TABLE(connect_options), OPT_END };
 *
 *	code = connect_open(&c);		after it; VERB_GO, else the exit code after a complaint
 *	code = connect_ask(c, "/observer.Observer/ServerStatus", &request.base, &descriptor, &answer);
 *	code = connect_stream(c, &stream);	until it ends, or Ctrl-C
 *	connect_close(c);
 *
 * The server is what --server says, or WEIR_SERVER, or the settings file; else this node's agent if one listens, else the
 * only lab that is up, else localhost:4245.  With --port-forward it is the relay that kubectl leads to (tools/forward.h).
 */
#ifndef WEIR_TOOLS_CONNECT_H
#define WEIR_TOOLS_CONNECT_H

#include <protobuf-c/protobuf-c.h>

#include "lib/opt.h"
#include "lib/rpc/client.h"
#include "lib/rpc/loop.h"

#define CONNECT_SOCKET "/run/weir/observer.sock"
#define CONNECT_RELAY "localhost:4245"

struct connect_want {
	const char *server, *lab, *config;
	unsigned int timeout, request_timeout;		/* ms */
	bool tls, insecure;
	struct opt_list ca;
	const char *cert, *key, *name;
	bool debug;
	bool forward;					/* by kubectl, to a relay in a cluster */
	unsigned int forward_port;
	const char *forward_service, *kubeconfig, *kube_context, *kube_namespace;
};
extern struct connect_want connect_want;		/* what the options said, over what settings say */
extern const struct opt connect_options[];		/* without letters: 'weir observe' has others for -s and -D, as hubble has */
extern const struct opt connect_verb_options[];		/* -s, -D and the same */

void connect_to(const char *server);			/* ask this one, unless kubectl finds it */
bool connect_twice(const char *server, const char *lab);	/* they say whom to ask on the command line, and so does -P: said */

/* What the environment and the settings file say, over which options are then read: verb_begin() does it. */
void connect_defaults(int argc, char **argv);

struct connect;
int connect_open(struct connect **out);
void connect_close(struct connect *c);			/* NULL is fine */
const char *connect_server(const struct connect *c);
bool connect_is_local(const struct connect *c);		/* a unix socket */
struct rpc_loop *connect_loop(struct connect *c);
struct rpc_channel *connect_channel(struct connect *c);

/* One question, one answer, the caller's to free.  VERB_GO, or the exit code after a complaint. */
int connect_ask(struct connect *c, const char *path, const ProtobufCMessage *ask, const ProtobufCMessageDescriptor *type,
		void *answer);
/* The same, saying nothing: how it ended; *answer if OK. */
enum rpc_code connect_try(struct connect *c, const char *path, const ProtobufCMessage *ask,
			  const ProtobufCMessageDescriptor *type, void *answer, struct complaint *why);
int connect_failed(struct connect *c, const char *path, enum rpc_code code, const struct complaint *why);	/* says it; the exit code */

struct connect_stream {
	const char *path;
	const char *other;		/* asked of a server that does not know 'path'; NULL: nothing else */
	const char *lacks;		/* what to say of a server that knows neither; NULL: its own words */
	const ProtobufCMessage *ask;
	/* A message.  VERB_GO, or an exit code to end with. */
	int (*message)(void *ctx, const uint8_t *data, size_t size);
	int (*idle)(void *ctx);		/* soon after messages and at the end; NULL: nothing to do */
	void (*quiet)(void *ctx);	/* once, if nothing came for so long */
	unsigned int quiet_ms;
	void *ctx;
	unsigned int for_ms;		/* end by itself after so long; 0: never */
	bool interrupted;		/* out: Ctrl-C ended it */
};
int connect_stream(struct connect *c, struct connect_stream *s);	/* VERB_GO when it ended well */

#endif
