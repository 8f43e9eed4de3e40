// SPDX-License-Identifier: Apache-2.0
/* Every request of the control socket, to whoever answers it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/answers.h"
#include "lib/addr.h"

#define WAIT_MOST_MS 60000
#define ADDRESSES_MOST 16

/* "namespace/pod" in two; false if it is not that. */
static bool split(const char *pod, char ns[256], char name[256])
{
	char rest;

	return sscanf(pod, "%255[^/]/%255[^/]%c", ns, name, &rest) == 2;
}

/* Who asked for an interface, until it is armed. */
struct adding {
	struct agent *a;
	uint64_t client;
};

static void on_added(void *ctx, int err, const char *why, unsigned int number, unsigned int attach_us)
{
	struct adding *w = ctx;
	struct client *c = server_client(w->a->server, w->client);
	Weir__V1__EndpointAdded added = WEIR__V1__ENDPOINT_ADDED__INIT;
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	free(w);
	if (!c)
		return;
	if (err) {
		client_error(c, "%s", *why ? why : strerror(-err));
		return;
	}
	added.number = number;
	added.attach_us = attach_us;
	reply.answer_case = WEIR__V1__REPLY__ANSWER_ENDPOINT_ADDED;
	reply.endpoint_added = &added;
	client_reply(c, &reply, true);
}

static bool read_addresses(struct client *c, const Weir__V1__EndpointAddRequest *ask, struct weir_addr *to)
{
	if (ask->n_addresses > ADDRESSES_MOST) {
		client_error(c, "a pod has at most %d addresses", ADDRESSES_MOST);
		return false;
	}
	for (size_t i = 0; i < ask->n_addresses; i++) {
		if (addr_parse(ask->addresses[i], &to[i])) {
			client_error(c, "'%s' is no address", ask->addresses[i]);
			return false;
		}
	}
	return true;
}

static void ask_endpoint_add(struct agent *a, struct client *c, const Weir__V1__EndpointAddRequest *ask)
{
	struct weir_addr addr[ADDRESSES_MOST];
	struct complaint why = { 0 };
	char ns[256], name[256];
	struct endpoint_add add = { .ns = ns, .name = name, .interface = ask->interface, .addr = addr,
				    .naddr = ask->n_addresses, .mac = ask->mac.len ? ask->mac.data : NULL,
				    .wait_ms = ask->wait_ms < WAIT_MOST_MS ? ask->wait_ms : WAIT_MOST_MS };
	struct adding *w;
	int err;

	if (!split(ask->pod, ns, name)) {
		client_error(c, "'%s' is no pod: it is NAMESPACE/NAME", ask->pod);
		return;
	}
	if (ask->mac.len && ask->mac.len != 6) {
		client_error(c, "a MAC address has 6 bytes, not %zu", ask->mac.len);
		return;
	}
	if (!read_addresses(c, ask, addr))
		return;
	w = malloc(sizeof(*w));
	if (!w) {
		client_error(c, "no memory");
		return;
	}
	*w = (struct adding){ .a = a, .client = client_number(c) };
	err = endpoints_add(a->endpoints, &add, on_added, w, &why);
	if (err) {
		free(w);
		client_error(c, "%s", why.text[0] ? why.text : strerror(-err));
	}
}

static void ask_endpoint_remove(struct agent *a, struct client *c, const Weir__V1__EndpointRemoveRequest *ask)
{
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	char ns[256], name[256];

	if (!split(ask->pod, ns, name)) {
		client_error(c, "'%s' is no pod: it is NAMESPACE/NAME", ask->pod);
		return;
	}
	endpoints_remove(a->endpoints, ns, name);
	client_reply(c, &reply, true);
}

/* Who is answered in parts. */
struct answering {
	struct agent *a;
	uint64_t client;
	Weir__V1__Reply__AnswerCase kind;
};

static int on_part(void *ctx, const ProtobufCMessage *part, bool last)
{
	struct answering *w = ctx;
	struct client *c = server_client(w->a->server, w->client);
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	if (!c)
		return -EPIPE;
	reply.answer_case = w->kind;
	reply.status = (Weir__V1__Status *)part;	/* or whichever 'kind' says */
	return client_reply(c, &reply, last);
}

static void answer(struct agent *a, struct client *c, Weir__V1__Reply__AnswerCase kind,
		   int (*how)(struct agent *a, answer_fn fn, void *ctx))
{
	struct answering w = { a, client_number(c), kind };

	if (how(a, on_part, &w) == -ENOMEM)
		client_error(c, "no memory");
}

static void ask_why(struct agent *a, struct client *c, const Weir__V1__WhyRequest *ask)
{
	struct answering w = { a, client_number(c), WEIR__V1__REPLY__ANSWER_WHY };
	struct complaint why = { 0 };
	int err = answer_why(a, ask, on_part, &w, &why);

	if (err == -ENOMEM || err == -EINVAL)
		client_error(c, "%s", err == -EINVAL ? why.text : "no memory");
}

void ask_any(void *agent, struct client *c, const Weir__V1__Request *ask)
{
	struct agent *a = agent;

	switch (ask->ask_case) {
	case WEIR__V1__REQUEST__ASK_STATUS:
		return answer(a, c, WEIR__V1__REPLY__ANSWER_STATUS, answer_status);
	case WEIR__V1__REQUEST__ASK_ENDPOINTS:
		return answer(a, c, WEIR__V1__REPLY__ANSWER_ENDPOINTS, answer_endpoints);
	case WEIR__V1__REQUEST__ASK_ENDPOINT_ADD:
		return ask_endpoint_add(a, c, ask->endpoint_add);
	case WEIR__V1__REQUEST__ASK_ENDPOINT_REMOVE:
		return ask_endpoint_remove(a, c, ask->endpoint_remove);
	case WEIR__V1__REQUEST__ASK_WHY:
		return ask_why(a, c, ask->why);
	case WEIR__V1__REQUEST__ASK_POLICIES:
		return answer(a, c, WEIR__V1__REPLY__ANSWER_POLICIES, answer_policies);
	case WEIR__V1__REQUEST__ASK_OBSERVE:
		return ask_observe(a, c, ask->observe);
	default:
		break;
	}
	if (!a->judge)
		client_error(c, "only an agent started with --judge takes frames and manifests by its socket");
	else if (ask->ask_case == WEIR__V1__REQUEST__ASK_JUDGE)
		ask_judge(a, c, ask->judge);
	else
		ask_apply(a, c, ask->apply);
}
