// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "observer/observer.pb-c.h"
#include "relay/peers.h"
#include "relay/unary.h"
#include "relay/when.h"
#include "weir/v1/agent.pb-c.h"

#define BACKOFF_BASE_MS 1000
#define BACKOFF_MOST_MS 5000	/* an agent that was restarted is seen again within ten seconds */
#define WINDOW	    32768		/* bytes that gRPC reads ahead of a stream: times nodes, times clients */
#define MESSAGE_MOST (4U << 20)	/* bytes of one: thousands of endpoints */
#define CLOCK_POLLS 12			/* a measurement of the clock is good for so long */

/* What only this file knows of a peer. */
struct peer_inside {
	struct peers *peers;
	struct rpc_timer timer;
	struct rpc_backoff backoff;
	struct rpc_ask *ask;		/* under way; of the three that make a poll */
	bool plaintext, named, again;
	uint64_t asked;			/* when it was asked for its time: CLOCK_REALTIME */
	uint64_t asked_mono;
	unsigned int clock_age;		/* polls since the measurement that counts */
};

struct peers {
	struct rpc_loop *loop;
	struct peers_options options;
	struct peer *first;
	struct peers_listener *listeners;
	struct peers_counts counts;
	unsigned int left;
	bool stopping;
};

static void poll_status(void *ctx);

int peers_open(struct peers **out, struct rpc_loop *loop, const struct peers_options *options)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	peers->loop = loop;
	peers->options = *options;
	*out = peers;
	return 0;
}

static void tell(struct peers *peers, struct peer *p)
{
	for (struct peers_listener *l = peers->listeners, *next; l; l = next) {
		next = l->next;
		l->changed(l->ctx, p);
	}
}

static void insert(struct peers *peers, struct peer *p)
{
	struct peer **at = &peers->first;

	while (*at && strcmp((*at)->name, p->name) < 0)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static void unlink_peer(struct peers *peers, struct peer *p)
{
	struct peer **at = &peers->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

struct peer *peer_hold(struct peer *p)
{
	p->holds++;
	return p;
}

void peer_drop(struct peer *p)
{
	if (--p->holds)
		return;
	rpc_channel_close(p->channel);
	p->inside->peers->left--;
	free(p->inside);
	free(p);
}

static void set_state(struct peer *p, enum peer_state state, const char *why)
{
	bool changed = p->state != state;

	if (state == PEER_UNAVAILABLE && (changed || strcmp(p->why, why)))
		log_warn("%s at '%s' is unavailable: %s", p->name, p->server, why);
	else if (changed && state == PEER_CONNECTED)
		log_info("%s at '%s' is connected%s%s%s", p->name, p->server, p->version[0] ? ", " : "", p->version,
			 p->foreign ? " (another product's agent)" : "");
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (!changed)
		return;
	p->state = state;
	p->since = when_real();
	p->connects += state == PEER_CONNECTED;
	tell(p->inside->peers, p);
}

static void poll_after(struct peer *p, unsigned int ms)
{
	rpc_timer_set(p->inside->peers->loop, &p->inside->timer, ms, poll_status, p);
}

/* A poll has ended: well, or not. */
static void polled(struct peer *p, const char *why)
{
	struct peer_inside *in = p->inside;

	in->ask = NULL;
	if (p->gone)
		return;
	if (!why)
		in->backoff.tries = 0;
	set_state(p, why ? PEER_UNAVAILABLE : PEER_CONNECTED, why ? why : "");
	if (in->again)
		poll_after(p, 0);
	else
		poll_after(p, why ? rpc_backoff_next(&in->backoff) : PEERS_POLL_MS * 4 / 5 + random() % (PEERS_POLL_MS / 5));
	in->again = false;
}

static bool ask(struct peer *p, const char *path, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *answer, bool (*done)(void *, const struct rpc_end *, void *))
{
	int err = unary_ask(&p->inside->ask, p->channel, &(struct unary){ .path = path, .request = request,
			    .answer = answer, .deadline_ms = PEERS_DEADLINE_MS, .done = done, .ctx = peer_hold(p) });

	if (!err)
		return true;
	polled(p, strerror(-err));
	peer_drop(p);
	return false;
}

/* Why a peer that ended a question like this cannot be worked with; NULL: it can. */
static const char *failed(const struct rpc_end *end)
{
	static char text[PEER_TEXT];

	if (end->code == RPC_OK || (end->reached && end->code == RPC_UNIMPLEMENTED))
		return NULL;
	if (end->code == RPC_DEADLINE_EXCEEDED)
		return "it does not answer";
	if (!end->reached)
		return end->text;
	snprintf(text, sizeof(text), "it answers %s: %s", rpc_code_name(end->code), end->text);
	return text;
}

static bool on_agent_status(void *ctx, const struct rpc_end *end, void *message)
{
	const Weir__V1__Status *status = message;
	struct peer *p = ctx, *other;
	char why[PEER_TEXT * 2];

	if (status && !p->gone && status->node[0] && strlen(status->node) < PEER_TEXT) {
		other = peers_find(p->inside->peers, status->node);
		p->inside->named = !other;
		if (other) {
			snprintf(why, sizeof(why), "it is %s, who is at '%s', too", status->node, other->server);
			polled(p, why);
			peer_drop(p);
			return false;
		}
		unlink_peer(p->inside->peers, p);
		strcpy(p->name, status->node);
		insert(p->inside->peers, p);
	}
	polled(p, failed(end));
	peer_drop(p);
	return false;
}

/* A short round trip tells the offset well; a longer one only replaces what has grown old. */
static void measure(struct peer *p, uint64_t its_now)
{
	struct peer_inside *in = p->inside;
	uint64_t trip = when_mono() - in->asked_mono;
	int64_t far;

	if (p->clock_known && trip > p->round_trip && ++in->clock_age < CLOCK_POLLS)
		return;
	in->clock_age = 0;
	p->clock_known = true;
	p->round_trip = trip;
	p->clock_offset = (int64_t)(its_now - in->asked - trip / 2);
	far = p->clock_offset < 0 ? -p->clock_offset : p->clock_offset;
	if (p->clock_off != (far > (int64_t)(MERGE_AHEAD + trip))) {
		p->clock_off = !p->clock_off;
		log_line(p->clock_off ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "the clock of %s is %.3f s off%s", p->name,
			 p->clock_offset / 1e9, p->clock_off ? ": its flows are put in order by ours" : "");
	}
}

static bool on_mark(void *ctx, const struct rpc_end *end, void *message)
{
	const Weir__V1__MarkReply *reply = message;
	Weir__V1__StatusRequest request = WEIR__V1__STATUS_REQUEST__INIT;
	struct peer *p = ctx;
	const char *why = failed(end);

	p->foreign = end->reached && end->code == RPC_UNIMPLEMENTED;
	if (reply && reply->now && !p->gone)
		measure(p, (uint64_t)reply->now->seconds * 1000000000 + reply->now->nanos);
	if (p->gone || why || p->foreign || p->inside->named)
		polled(p, why);
	else
		ask(p, "/weir.v1.Agent/Status", &request.base, &weir__v1__status__descriptor, on_agent_status);
	peer_drop(p);
	return false;
}

static bool on_status(void *ctx, const struct rpc_end *end, void *message)
{
	const Observer__ServerStatusResponse *status = message;
	Weir__V1__MarkRequest request = WEIR__V1__MARK_REQUEST__INIT;
	struct peer *p = ctx;
	const char *why = failed(end);

	if (status) {
		snprintf(p->version, sizeof(p->version), "%s", status->version);
		p->uptime = status->uptime_ns;
		p->num_flows = status->num_flows;
		p->max_flows = status->max_flows;
		p->seen_flows = status->seen_flows;
		p->flows_rate = status->flows_rate;
	}
	if (p->gone || why) {
		polled(p, why);
	} else {
		p->inside->asked = when_real();
		p->inside->asked_mono = when_mono();
		ask(p, "/weir.v1.Agent/Mark", &request.base, &weir__v1__mark_reply__descriptor, on_mark);
	}
	peer_drop(p);
	return false;
}

static void poll_status(void *ctx)
{
	Observer__ServerStatusRequest request = OBSERVER__SERVER_STATUS_REQUEST__INIT;

	ask(ctx, "/observer.Observer/ServerStatus", &request.base, &observer__server_status_response__descriptor, on_status);
}

void peer_suspect(struct peer *p)
{
	if (p->gone || p->state == PEER_UNAVAILABLE)
		return;
	if (p->inside->ask)
		p->inside->again = true;	/* what is under way may have been answered before */
	else
		poll_after(p, 0);
}

/* The name in its certificate: as announced, else as the settings say. */
static void certificate_name(struct peer *p, const struct peers_options *options, const char *announced)
{
	const char *form = announced ? announced : options->tls_name ? options->tls_name : "";
	const char *hole = announced ? NULL : strchr(form, '%');

	snprintf(p->tls_name, sizeof(p->tls_name), "%.*s%s%s", hole ? (int)(hole - form) : (int)strlen(form), form,
		 hole ? p->name : "", hole ? hole + 1 : "");
}

static struct peer *peer_new(struct peers *peers, const struct peer_at *at)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct peer_inside *in = calloc(1, sizeof(*in));

	if (!p || !in) {
		free(p);
		free(in);
		return NULL;
	}
	snprintf(p->name, sizeof(p->name), "%s", at->name ? at->name : at->server);
	snprintf(p->server, sizeof(p->server), "%s", at->server);
	p->inside = in;
	p->holds = 1;
	p->since = when_real();
	p->tls = peers->options.tls && !at->plaintext && strncmp(p->server, "unix:", 5);
	if (p->tls)
		certificate_name(p, &peers->options, at->tls_name);
	in->peers = peers;
	peers->left++;
	in->named = at->name;
	in->backoff = (struct rpc_backoff){ .base_ms = BACKOFF_BASE_MS, .most_ms = BACKOFF_MOST_MS };
	return p;
}

static bool same(const struct peer *p, const struct peer_at *at)
{
	return !strcmp(p->server, at->server) && (!at->name || !strcmp(p->name, at->name));
}

int peers_put(struct peers *peers, const struct peer_at *at)
{
	struct complaint why = { 0 };
	struct peer *p = peers->first;
	int err;

	for (; p; p = p->next)
		if (same(p, at))
			return 0;
	/* an address that has another name, a name that has another address */
	peers_remove(peers, at->server);
	if (at->name && (p = peers_find(peers, at->name)))
		peers_remove(peers, p->server);
	if (peers->counts.peers >= PEERS_MOST) {
		if (!peers->counts.refused++)
			log_error("more than %u nodes: '%s' and what follows are left out", PEERS_MOST, at->server);
		return -ENOSPC;
	}
	p = peer_new(peers, at);
	if (!p)
		return -ENOMEM;
	err = rpc_channel_open(&p->channel, peers->loop, &(struct rpc_target){
		.server = p->server, .tls = p->tls ? peers->options.tls : NULL, .name = p->tls_name[0] ? p->tls_name : NULL,
		.max_message = MESSAGE_MOST, .window = WINDOW }, &why);
	if (err) {
		log_err(err, "cannot use '%s' as a node's address: %s", at->server, why.text);
		peer_drop(p);
		return err;
	}
	peers->counts.peers++;
	insert(peers, p);
	tell(peers, p);
	poll_after(p, 0);
	return 0;
}

static void remove_peer(struct peers *peers, struct peer *p)
{
	unlink_peer(peers, p);
	peers->counts.peers--;
	p->gone = true;
	rpc_timer_stop(peers->loop, &p->inside->timer);
	if (p->inside->ask)
		rpc_ask_cancel(p->inside->ask);
	if (!peers->stopping)
		log_info("%s at '%s' is no longer a node", p->name, p->server);
	tell(peers, p);
	peer_drop(p);
}

void peers_remove(struct peers *peers, const char *server)
{
	for (struct peer *p = peers->first; p; p = p->next) {
		if (strcmp(p->server, server))
			continue;
		remove_peer(peers, p);
		return;
	}
}

void peers_stop(struct peers *peers)
{
	peers->stopping = true;
	while (peers->first)
		remove_peer(peers, peers->first);
}

unsigned int peers_left(const struct peers *peers)
{
	return peers->left;
}

void peers_close(struct peers *peers)
{
	free(peers);
}

struct peer *peers_first(struct peers *peers)
{
	return peers->first;
}

struct peer *peers_find(struct peers *peers, const char *name)
{
	struct peer *p = peers->first;

	while (p && strcmp(p->name, name))
		p = p->next;
	return p;
}

const char *peer_state_word(enum peer_state state)
{
	static const char *const words[] = { "connecting", "connected", "unavailable" };

	return words[state];
}

void peers_listen(struct peers *peers, struct peers_listener *l)
{
	l->next = peers->listeners;
	peers->listeners = l;
}

void peers_unlisten(struct peers *peers, struct peers_listener *l)
{
	struct peers_listener **at = &peers->listeners;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
}

void peers_count(const struct peers *peers, struct peers_counts *out)
{
	*out = peers->counts;
	for (const struct peer *p = peers->first; p; p = p->next)
		out->state[p->state]++;
}
