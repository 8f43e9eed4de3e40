// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.pb-c.h"
#include "lib/wire/scan.h"
#include "relay/flows_inside.h"
#include "relay/unary.h"
#include "relay/when.h"
#include "weir/v1/agent.pb-c.h"

#define GARBAGE_MOST 16			/* messages without sense, then a node's stream is cut */
#define FLOW_MOST    (128U << 10)	/* bytes of a message: twice what an agent of ours can make */
#define LOST_SIZE    256		/* a LostEvent's bytes */
#define MARK_MS	     1000
#define RETRY_BASE_MS 1000
#define RETRY_MOST_MS 60000
#define HEALTHY	      10000000000ULL	/* nanoseconds: one that lasted so long is begun again soon */

static struct merge_now now(void)
{
	struct merge_now now;

	when_both(&now.real, &now.mono);
	return now;
}

/* By how much its stamps are corrected in the order; measured anew all the time. */
static int64_t shift(const struct peer *p)
{
	return p->clock_off ? p->clock_offset : 0;
}

struct leg *leg_of(struct stream *s, const struct peer *p)
{
	struct leg *leg = s->legs;

	while (leg && leg->peer != p)
		leg = leg->next;
	return leg;
}

static void count_lost(struct peer *p, const struct wire_scan *scan)
{
	Flow__LostEvent *lost = scan->body_size <= LOST_SIZE ? flow__lost_event__unpack(NULL, scan->body_size, scan->body) : NULL;

	p->lost += lost ? lost->num_events_lost : 1;
	if (lost)
		flow__lost_event__free_unpacked(lost, NULL);
}

static bool on_garbage(struct leg *leg)
{
	leg->peer->garbage++;
	if (++leg->garbage < GARBAGE_MOST)
		return true;
	leg_cancel(leg, "what it sends makes no sense");
	return false;
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct leg *leg = ctx;
	struct stream *s = leg->stream;
	struct merge_now at = now();
	struct wire_scan scan;

	if (!s->open || leg->cancelled)
		return true;		/* to its end */
	leg->heard = at.mono;
	if (size > FLOW_MOST || wire_scan(data, size, &scan))
		return on_garbage(leg);
	merge_shift(leg->source, shift(leg->peer));
	if (scan.time > leg->newest && scan.time <= at.real + MERGE_AHEAD)
		leg->newest = scan.time;
	if (scan.kind == WIRE_MARK) {
		if (leg->peer->foreign || !scan.time)
			return on_garbage(leg);
		merge_mark(s->merge, leg->source, scan.time, &at);
		stream_wake(s, at.mono);
		return true;
	}
	if (scan.kind == WIRE_LOST)
		count_lost(leg->peer, &scan);
	leg->paused = !merge_push(s->merge, leg->source, &(struct merge_message){ .time = scan.time, .data = data,
				  .size = size, .kind = scan.kind == WIRE_FLOW ? MESSAGE_FLOW : MESSAGE_OTHER }, &at);
	stream_wake(s, at.mono);
	return !leg->paused;
}

/* What the client is told of an end that it did not ask for; kept for who asks later. */
static void tell_end(struct leg *leg, const struct rpc_end *end)
{
	struct stream *s = leg->stream;

	if (leg->cancelled && !leg->why[0])
		return;
	if (!leg->cancelled && (end->code == RPC_OK || !end->reached))
		return;			/* who is away is told by the peer's state */
	if (!leg->cancelled)
		snprintf(leg->why, sizeof(leg->why), "%s: %s", rpc_code_name(end->code), end->text);
	notices_add(&s->notices, WIRE_NODE_ERROR, leg->peer->name, leg->why, when_mono());
}

/* Its node may well be there all the time, so that nothing else would begin it again. */
static void retry(struct leg *leg)
{
	if (when_mono() - leg->began > HEALTHY)
		leg->backoff.tries = 0;
	leg->backoff.base_ms = RETRY_BASE_MS;
	leg->backoff.most_ms = RETRY_MOST_MS;
	leg->again = when_mono() + rpc_backoff_next(&leg->backoff) * 1000000ULL;
	stream_watch(leg->stream);
}

/* One node that refuses what others understand has a fault of its own. */
static bool all_refused(const struct stream *s)
{
	for (const struct leg *leg = s->legs; leg; leg = leg->next)
		if (!leg->refused)
			return false;
	return true;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct leg *leg = ctx;
	struct stream *s = leg->stream;
	struct merge_source *source = leg->source;

	leg->ask = NULL;
	leg->source = NULL;
	leg->calls--;
	if (s->open) {
		merge_end(s->merge, source);
		tell_end(leg, end);
		leg->refused = !leg->cancelled && (end->code == RPC_INVALID_ARGUMENT || end->code == RPC_UNIMPLEMENTED);
		if (leg->refused && all_refused(s))
			stream_fail(s, end->code, end->text);
		if (!leg->cancelled && end->code != RPC_OK)
			peer_suspect(leg->peer);
		if (s->ask.follow && !leg->refused && end->code != RPC_OK && (!leg->cancelled || leg->why[0]))
			retry(leg);
	}
	stream_settle(s);
}

static struct leg *leg_new(struct stream *s, struct peer *p)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->stream = s;
	leg->peer = peer_hold(p);
	leg->next = s->legs;
	s->legs = leg;
	return leg;
}

/* By its clock: where it broke off, or, if it was away when a follow began, where that begins.  0: it is asked as the client asked. */
static uint64_t resume_at(const struct leg *leg, bool again)
{
	const struct stream *s = leg->stream;

	if (leg->newest)
		return leg->newest + 1;
	if (!again || !s->ask.follow)
		return 0;
	return s->ask.since ? s->ask.since : s->start + shift(leg->peer);
}

/* What one that joins later said before is in no other's way. */
static int begin(struct leg *leg, bool again)
{
	struct stream *s = leg->stream;
	struct peer *p = leg->peer;
	bool marks = !p->foreign && !s->ask.events;
	struct flows_ask_node node = { .stream = s->name, .marks = marks, .again = again,
				       .since = resume_at(leg, again) };
	bool live = again || (s->ask.follow && !s->ask.number && !s->ask.since);
	struct merge_node source = { .from = live ? s->start : s->ask.since, .marks = marks, .counts = &p->counts,
				     .shift = shift(p), .ctx = leg };
	size_t size;
	uint8_t *data = flows_ask_pack(&s->ask, &node, &size);
	int err = -ENOMEM;

	leg->source = data ? merge_add(s->merge, &source) : NULL;
	if (leg->source)
		err = rpc_ask(&leg->ask, p->channel, &(struct rpc_ask_options){ .path = s->ask.path,
			      .data = data, .size = size, .message = on_message, .ended = on_end, .ctx = leg });
	free(data);
	if (!err) {
		leg->calls++;
	} else if (leg->source) {
		merge_end(s->merge, leg->source);
		leg->source = NULL;
	}
	return err;
}

int leg_start(struct stream *s, struct peer *p)
{
	struct leg *leg = leg_of(s, p);
	bool again = s->begun;

	if (leg && leg->ask)
		return 0;
	if (p->foreign && s->ask.ours) {
		notices_add(&s->notices, WIRE_NODE_ERROR, p->name, LEG_FOREIGN, when_mono());
		return 0;
	}
	if (!leg && !(leg = leg_new(s, p)))
		return -ENOMEM;
	leg->cancelled = leg->paused = leg->refused = false;
	leg->garbage = 0;
	leg->why[0] = '\0';
	leg->again = 0;
	leg->heard = leg->began = when_mono();
	return begin(leg, again);
}

void leg_read(struct leg *leg)
{
	leg->paused = false;
	leg->heard = when_mono();
	if (leg->ask)
		rpc_ask_read(leg->ask);
}

static bool on_marked(void *ctx, const struct rpc_end *end, void *message)
{
	struct leg *leg = ctx;

	leg->calls--;
	stream_settle(leg->stream);
	return false;
}

void leg_mark(struct leg *leg)
{
	Weir__V1__MarkRequest request = WEIR__V1__MARK_REQUEST__INIT;

	if (!leg->ask || leg->cancelled)
		return;
	request.stream = leg->stream->name;
	if (!unary_ask(NULL, leg->peer->channel, &(struct unary){ .path = "/weir.v1.Agent/Mark", .request = &request.base,
		       .answer = &weir__v1__mark_reply__descriptor, .deadline_ms = MARK_MS, .done = on_marked, .ctx = leg }))
		leg->calls++;
	leg->stream->flows->counts.marks++;
	leg->stream->marks++;
}

void leg_cancel(struct leg *leg, const char *why)
{
	if (leg->cancelled || !leg->ask)
		return;
	leg->cancelled = true;
	snprintf(leg->why, sizeof(leg->why), "%s", why ? why : "");
	rpc_ask_cancel(leg->ask);
	if (leg->paused)
		leg_read(leg);		/* its end lies behind what was not read */
}

bool legs_drop(struct stream *s)
{
	struct leg **at = &s->legs;

	while (*at) {
		struct leg *leg = *at;

		if (leg->calls || (s->open && (!leg->peer->gone || merge_holds(s->merge, leg)))) {
			at = &leg->next;
			continue;
		}
		*at = leg->next;
		peer_drop(leg->peer);
		free(leg);
	}
	return !s->legs;
}
