// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/weir/v1/agent.pb-c.h"
#include "proto/weir/v1/relay.pb-c.h"
#include "tools/ask_rpc.h"
#include "tools/connect.h"

const char *ask_rpc_node = "";

/* A gRPC server answers HTTP/2's opening with its own settings; a control socket takes it for a frame that is too long,
 * and hangs up. */
static bool speaks_http2(const char *path)
{
	static const char opening[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = 1 };
	unsigned char head[9];
	bool speaks = false;
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, opening, sizeof(opening), MSG_NOSIGNAL) > 0)
		speaks = recv(fd, head, sizeof(head), MSG_WAITALL) == sizeof(head) && head[3] == 4 && !head[5] && !head[8];
	close(fd);
	return speaks;
}

bool ask_is_rpc(const char *server)
{
	static const char control[] = "agent.sock";
	const char *path = strncmp(server, "unix:", 5) ? server : server + 5;
	size_t n = strlen(path), tail = sizeof(control) - 1;

	if (path == server && *server != '/')
		return true;
	if (n >= tail && !strcmp(path + n - tail, control))
		return false;
	while (path[0] == '/' && path[1] == '/')
		path++;
	return speaks_http2(path);
}

static const struct method {
	Weir__V1__Request__AskCase ask;
	const char *name;
	const ProtobufCMessageDescriptor *agent, *relay;
	Weir__V1__Reply__AnswerCase answer;
} methods[] = {
	{ WEIR__V1__REQUEST__ASK_STATUS, "Status", &weir__v1__status__descriptor, NULL, WEIR__V1__REPLY__ANSWER_STATUS },
	{ WEIR__V1__REQUEST__ASK_ENDPOINTS, "Endpoints", &weir__v1__endpoints__descriptor, &weir__v1__cluster_endpoints__descriptor,
	  WEIR__V1__REPLY__ANSWER_ENDPOINTS },
	{ WEIR__V1__REQUEST__ASK_POLICIES, "Policies", &weir__v1__policies__descriptor, &weir__v1__cluster_policies__descriptor,
	  WEIR__V1__REPLY__ANSWER_POLICIES },
	{ WEIR__V1__REQUEST__ASK_WHY, "Why", &weir__v1__why__descriptor, &weir__v1__cluster_why__descriptor,
	  WEIR__V1__REPLY__ANSWER_WHY },
};

static const struct method *method_of(const Weir__V1__Request *ask)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].ask == ask->ask_case)
			return &methods[i];
	return NULL;
}

static int part(const struct method *m, const ProtobufCMessage *answer, bool done, ask_fn each, void *ctx)
{
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	reply.answer_case = m->answer;
	reply.status = (Weir__V1__Status *)answer;	/* every case of the oneof is a message */
	reply.done = done;
	return each(ctx, &reply);
}

static int node_failed(const char *node, const char *error)
{
	verb_fail(VERB_FAILED, "node %s did not answer: %s", node, error);
	return VERB_GO;		/* the others did */
}

static int endpoints_of(const struct method *m, const Weir__V1__ClusterEndpoints *all, ask_fn each, void *ctx)
{
	int code = VERB_GO;

	for (size_t i = 0; i < all->n_node && code == VERB_GO; i++) {
		const Weir__V1__NodeEndpoints *n = all->node[i];
		Weir__V1__Endpoints one = WEIR__V1__ENDPOINTS__INIT;

		one.n_endpoint = n->n_endpoint;
		one.endpoint = n->endpoint;
		ask_rpc_node = n->node;
		code = *n->error ? node_failed(n->node, n->error) : part(m, &one.base, false, each, ctx);
	}
	ask_rpc_node = "";
	return code;
}

static int policies_of(const struct method *m, const Weir__V1__ClusterPolicies *all, ask_fn each, void *ctx)
{
	int code = VERB_GO;

	for (size_t i = 0; i < all->n_node; i++)
		node_failed(all->node[i]->node, all->node[i]->error);
	for (size_t i = 0; i < all->n_policy && code == VERB_GO; i++) {
		Weir__V1__Policies one = WEIR__V1__POLICIES__INIT;

		if (!all->policy[i]->policy)
			continue;
		one.n_policy = 1;
		one.policy = &all->policy[i]->policy;
		code = part(m, &one.base, false, each, ctx);
	}
	return code;
}

static int whys_of(const struct method *m, const Weir__V1__ClusterWhy *all, ask_fn each, void *ctx)
{
	int code = VERB_GO, failed = VERB_GO;
	size_t n = 0;

	for (size_t i = 0; i < all->n_node && code == VERB_GO; i++) {
		if (*all->node[i]->error)
			failed = verb_fail(VERB_FAILED, "node %s: %s", all->node[i]->node, all->node[i]->error);
		else if (all->node[i]->why && ++n)
			code = part(m, &all->node[i]->why->base, false, each, ctx);
	}
	if (n || code != VERB_GO)
		return code;
	return failed != VERB_GO ? failed : verb_fail(VERB_FAILED, "no node knows either end as its own");
}

static int parts(const struct method *m, const ProtobufCMessage *answer, ask_fn each, void *ctx)
{
	switch (m->answer) {
	case WEIR__V1__REPLY__ANSWER_ENDPOINTS:
		return endpoints_of(m, (const void *)answer, each, ctx);
	case WEIR__V1__REPLY__ANSWER_POLICIES:
		return policies_of(m, (const void *)answer, each, ctx);
	default:
		return whys_of(m, (const void *)answer, each, ctx);
	}
}

static int ask_relay(struct connect *c, const struct method *m, const ProtobufCMessage *request, ask_fn each, void *ctx)
{
	ProtobufCMessage *answer;
	char path[64];
	int code;

	snprintf(path, sizeof(path), "/weir.v1.Relay/%s", m->name);
	code = connect_ask(c, path, request, m->relay, &answer);
	if (code != VERB_GO)
		return code;
	code = parts(m, answer, each, ctx);
	protobuf_c_message_free_unpacked(answer, NULL);
	return code;
}

static int ask_over(struct connect *c, const struct method *m, const ProtobufCMessage *request, ask_fn each, void *ctx)
{
	struct complaint why = { 0 };
	ProtobufCMessage *answer;
	enum rpc_code end;
	char path[64];
	int code;

	snprintf(path, sizeof(path), "/weir.v1.Agent/%s", m->name);
	end = connect_try(c, path, request, m->agent, &answer, &why);
	if (end == RPC_UNIMPLEMENTED && m->relay)
		return ask_relay(c, m, request, each, ctx);
	if (end != RPC_OK)
		return connect_failed(c, path, end, &why);
	code = part(m, answer, true, each, ctx);
	protobuf_c_message_free_unpacked(answer, NULL);
	return code;
}

int ask_rpc(const char *server, const Weir__V1__Request *ask, ask_fn each, void *ctx)
{
	const struct method *m = method_of(ask);
	struct connect *c;
	int code;

	if (!m)
		return verb_fail(VERB_FAILED, "this is asked of an agent's control socket alone");
	connect_to(server);
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	code = ask_over(c, m, &ask->status->base, each, ctx);
	connect_close(c);
	return code == VERB_GO ? VERB_OK : code;
}
