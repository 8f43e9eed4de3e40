/* SPDX-License-Identifier: Apache-2.0 */
/* What the services on the gRPC thread share.  Each adds its methods before the server starts. */
#ifndef WEIR_AGENT_SERVE_INSIDE_H
#define WEIR_AGENT_SERVE_INSIDE_H

#include <pthread.h>

#include "agent/agent.h"
#include "agent/errand.h"
#include "agent/events.h"
#include "agent/hints.h"
#include "agent/serve.h"
#include "agent/stream.h"
#include "lib/rpc/health.h"
#include "lib/rpc/reflection.h"

struct flow_stream;
struct node_labels;

struct serve {
	struct agent *a;		/* not ours; only what other threads may use of it, but in an errand */
	struct rpc_loop *loop;
	struct rpc_server *server;
	struct rpc_server_tls *tls;	/* NULL: none */
	struct rpc_health *health;
	struct rpc_reflection *reflection;
	struct errands *errands;
	struct hints *hints;
	struct peers *peers;
	struct flow_views views;
	struct node_labels *labels;	/* that 'views' points to, and older ones; NULL: none */
	unsigned int label_changes;
	struct stream_source source;
	char node[320];			/* as flows name it: "cluster/node", or "node" */
	unsigned int port;		/* of TCP; 0: none */
	pthread_t thread;
	bool runs;

	/* agent/observer.c */
	struct flow_stream *streams;
	unsigned int n_streams;
	struct reader_drain drain;	/* for marks */
	struct rpc_bell drained;
	uint64_t drained_next, drained_time;
	bool draining;

	unsigned int n_edge_streams;	/* agent/edge_service.c */
};

/* agent/observer.c: observer.Observer but for its events */
int observer_add(struct serve *s);
void observer_hinted(struct serve *s);			/* answers about denials have come */
bool observer_mark(struct serve *s, const char *stream);	/* false: there is no such stream */

/* agent/event_service.c: GetAgentEvents, GetDebugEvents */
int event_service_add(struct serve *s);

/* agent/peer_service.c */
int peer_service_add(struct serve *s);

/* agent/agent_service.c: weir.v1.Agent; its Edges in agent/edge_service.c */
int agent_service_add(struct serve *s);
int edge_service_add(struct serve *s);

/* agent/serve_labels.c */
void serve_labels_free(struct serve *s);

/* A request as a message; NULL: it was refused, and the call is finished. */
void *serve_unpack(struct rpc_call *c, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size);

#endif
