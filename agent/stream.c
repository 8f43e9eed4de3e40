// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/stream_inside.h"
#include "lib/wire/encode.h"

#define HINT_WAIT_MS 20			/* for one flow */
#define HINT_BUDGET_MS 100		/* for a stream at first; then a fifth of its time */
#define SLICE_NS 2000000		/* of one call, once it has looked at the first */
#define LOOKS_A_TIME 16		/* records between two looks at the clock */
#define LAPPED_AHEAD 8			/* who is lapped goes on an eighth of the history ahead of what is overwritten next */

/* One thread, one message at a time. */
static uint8_t message[WIRE_RESPONSE_MAX];

static bool add_hint(struct stream *s, const struct record *r, struct flow *f);

static enum rpc_next send(struct rpc_out *out, size_t size)
{
	if (rpc_out_copy(out, message + sizeof(message) - size, size))
		return RPC_IDLE;	/* no memory now: asked again with the next news */
	return RPC_MESSAGE;
}

uint64_t stream_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Has looked at 'looked' records in this call.  Filters may be as dear as they like: time counts, too, so that nobody
 * else on this thread waits long. */
static bool may_look(struct stream *s, unsigned int looked)
{
	struct timespec t;
	uint64_t now;

	if (!looked || looked % LOOKS_A_TIME)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * NS_PER_S + t.tv_nsec;
	if (looked == LOOKS_A_TIME)
		s->slice_end = now + SLICE_NS;
	return looked < STREAM_SCAN && now < s->slice_end;
}

/* --- Where it begins --- */

/* Does it count?  For a filter by policy that may take a hint: -EAGAIN while that is waited for. */
static int is_found(struct stream *s, const struct record *r, struct flow *f)
{
	if (!filters_pass(s->filters, f))
		return false;
	if (!s->by_policy)
		return true;
	if (!add_hint(s, r, f))
		return -EAGAIN;
	return filters_pass(s->filters, f);
}

/* Back from the newest, until enough have been found: then RPC_DONE.  Else called again, IDLE: when woken. */
static enum rpc_next seek(struct stream *s)
{
	struct record r;
	struct flow f;
	int found;

	for (unsigned int looked = 0;; looked++) {
		if (!s->back || records_copy(s->from.records, s->back - 1, &r))
			break;		/* the oldest that there is */
		if (r.time <= s->until) {
			flow_view(s->from.views, &r, s->back - 1, &f);
			found = is_found(s, &r, &f);
			if (found < 0)
				return RPC_IDLE;
			s->to_find -= found;
		}
		s->back--;
		if (!s->to_find)
			break;
		if (!may_look(s, looked + 1))
			return RPC_AGAIN;
	}
	s->at = s->start = s->back;
	s->seeking = false;
	return RPC_DONE;
}

/* --- What was lost --- */

static enum rpc_next tell_lost(struct stream *s, const struct wire_loss *loss, struct rpc_out *out)
{
	size_t n = wire_lost_response(loss, s->from.views->node, loss->last, message, sizeof(message));

	return n ? send(out, n) : RPC_IDLE;
}

/* A loss of the rings belongs before the record that was read next. */
static bool ring_loss_is_due(struct stream *s)
{
	while (!s->has_loss && losses_next(s->from.losses, &s->losses, &s->loss))
		s->has_loss = s->loss.next > s->start;
	return s->has_loss && s->loss.next <= s->at;
}

static enum rpc_next tell_ring_loss(struct stream *s, struct rpc_out *out)
{
	struct wire_loss loss = { .where = (enum wire_loss_where)loss_source(s->loss.stage), .count = s->loss.events,
				  .cpu = s->loss.cpu, .first = s->loss.first, .last = s->loss.last };
	enum rpc_next what = tell_lost(s, &loss, out);

	if (what == RPC_MESSAGE)
		s->has_loss = false;
	return what;
}

/* The history went over the cursor. */
static void lapped(struct stream *s)
{
	uint64_t first = records_first(s->from.records), next = records_next(s->from.records), now = stream_clock();
	uint64_t to = first + (next - first) / LAPPED_AHEAD;

	if (to > s->end)
		to = s->end;
	if (to <= s->at)
		return;
	losses_add(s->from.losses, LOSS_HISTORY, to - s->at);
	if (!s->missed)
		s->missed_first = now;
	s->missed += to - s->at;
	s->missed_last = now;
	s->at = to;
}

static enum rpc_next tell_missed(struct stream *s, struct rpc_out *out)
{
	struct wire_loss loss = { .where = WIRE_LOSS_HISTORY, .count = s->missed, .cpu = -1, .first = s->missed_first,
				  .last = s->missed_last };
	enum rpc_next what = tell_lost(s, &loss, out);

	if (what == RPC_MESSAGE) {
		s->missed = 0;
		s->missed_told = s->missed_last;
	}
	return what;
}

/* One such event a second, and what is left of them before the stream ends, sleeps, or says a mark. */
static bool missed_is_due(const struct stream *s)
{
	return s->missed && stream_clock() - s->missed_told >= NS_PER_S;
}

/* --- What it says --- */

static enum rpc_next tell_mark(struct stream *s, struct rpc_out *out)
{
	enum rpc_next what = send(out, wire_mark_response(s->from.views->node, s->mark_time, message, sizeof(message)));

	if (what == RPC_MESSAGE)
		s->mark_time = 0;
	return what;
}

static enum rpc_next tell_flow(struct stream *s, const struct flow *f, struct rpc_out *out)
{
	size_t n = wire_flow_response(f, s->mask, message, sizeof(message));
	enum rpc_next what;

	if (!n) {			/* no flow of ours is that large */
		losses_add(s->from.losses, LOSS_STREAM, 1);
		s->at++;
		return RPC_AGAIN;
	}
	what = send(out, n);
	if (what != RPC_MESSAGE)
		return what;
	s->at++;
	if (s->left && !--s->left)
		s->end = s->at;
	return RPC_MESSAGE;
}

static void on_waited(void *ctx)
{
	struct stream *s = ctx;

	s->wait = WAIT_OVER;
	rpc_call_wake(s->call);
}

/* Others behind it will want theirs, too: all are asked for in one go. */
static void look_ahead(struct stream *s)
{
	uint64_t last = s->at + HINTS_BATCH < s->end ? s->at + HINTS_BATCH : s->end, first = s->at + 1;
	struct hint hint;
	struct record r;
	struct flow f;

	if (s->seeking) {		/* it goes back */
		last = s->back ? s->back - 1 : 0;
		first = last > HINTS_BATCH ? last - HINTS_BATCH : 0;
	}
	for (uint64_t n = first; n < last && !records_copy(s->from.records, n, &r); n++) {
		if (r.kind != WEIR_REC_DENIED)
			continue;
		flow_view(s->from.views, &r, n, &f);
		if (filters_pass(s->filters, &f))
			hints_get(s->from.hints, &r, &hint);
	}
}

/* May it be kept waiting?  Not for longer than a fifth of its life, so that many denials go out without hints rather
 * than late. */
static bool may_wait(struct stream *s)
{
	return s->wait != WAIT_OVER && s->waited_ms + HINT_WAIT_MS <= HINT_BUDGET_MS + (rpc_now_ms() - s->born_ms) / 5;
}

/* Who isolates the pod and how close a rule came, if the loop's thread knows in time.  False: wait. */
static bool add_hint(struct stream *s, const struct record *r, struct flow *f)
{
	struct hint hint;

	if (!s->wants_hints || r->kind != WEIR_REC_DENIED)
		return true;
	switch (hints_get(s->from.hints, r, &hint)) {
	case HINT_KNOWN:
		f->nearest = hint.nearest;
		if (hint.isolatings) {
			f->isolating = hint.isolating;
			f->isolatings = hint.isolatings;
		}
		break;
	case HINT_ASKED:
		if (s->wait == WAITING)
			return false;	/* woken for something else */
		if (!may_wait(s))
			break;
		s->wait = WAITING;
		s->wait_began = rpc_now_ms();
		rpc_timer_set(s->from.rpc, &s->timer, HINT_WAIT_MS, on_waited, s);
		look_ahead(s);
		return false;
	case HINT_NONE:
		break;
	}
	if (s->wait != WAIT_NOT) {
		s->waited_ms += rpc_now_ms() - s->wait_began;
		rpc_timer_stop(s->from.rpc, &s->timer);
		s->wait = WAIT_NOT;
	}
	return true;
}

void stream_hinted(struct stream *s)
{
	if (s->wait == WAITING)
		rpc_call_wake(s->call);
}

/* Record number 'at', which is 'r'. */
static enum rpc_next take(struct stream *s, const struct record *r, struct rpc_out *out)
{
	struct flow f;

	if (r->time < s->since || r->time > s->until) {
		/* records are in order but for a little: those behind it may still be in time */
		if (r->time > s->until && r->time - s->until > RECORDS_SKEW_NS)
			s->end = s->at;
		else
			s->at++;
		return RPC_AGAIN;
	}
	flow_view(s->from.views, r, s->at, &f);
	if (!filters_pass(s->filters, &f)) {
		s->at++;
		return RPC_AGAIN;
	}
	if (!add_hint(s, r, &f))
		return RPC_IDLE;
	/* now that it may be known who isolates the pod, a filter by policy knows, too */
	if (f.isolatings && !filters_pass(s->filters, &f)) {
		s->at++;
		return RPC_AGAIN;
	}
	return tell_flow(s, &f, out);
}

static void on_until(void *ctx)
{
	struct stream *s = ctx;

	rpc_call_wake(s->call);
}

/* Nothing that is yet to come can be in time.  If that is not so now, it is looked at again when it will be. */
static bool is_past(struct stream *s)
{
	uint64_t now = stream_clock(), last = s->until + RECORDS_SKEW_NS;

	if (now > last)
		return true;
	rpc_timer_set(s->from.rpc, &s->timer, (last - now) / 1000000 + 1, on_until, s);
	return false;
}

/* It has all that there is. */
static enum rpc_next sleep_now(struct stream *s, struct rpc_out *out)
{
	if (s->missed)
		return tell_missed(s, out);
	if (s->until != UINT64_MAX && s->until < UINT64_MAX - RECORDS_SKEW_NS && is_past(s))
		return RPC_DONE;
	reader_bell_want(s->from.reader);
	return records_next(s->from.records) > s->at || ring_loss_is_due(s) ? RPC_AGAIN : RPC_IDLE;
}

static enum rpc_next step(struct stream *s, struct rpc_out *out)
{
	struct record r;
	int err;

	if (ring_loss_is_due(s))
		return tell_ring_loss(s, out);
	if (missed_is_due(s))
		return tell_missed(s, out);
	if (s->mark_time && s->mark_before <= s->at)
		return s->missed ? tell_missed(s, out) : tell_mark(s, out);
	if (s->at >= s->end)
		return s->missed ? tell_missed(s, out) : RPC_DONE;
	err = records_copy(s->from.records, s->at, &r);
	if (err == -EAGAIN)
		return sleep_now(s, out);
	if (!err)
		return take(s, &r, out);
	lapped(s);
	return RPC_AGAIN;
}

enum rpc_next stream_next(struct stream *s, struct rpc_out *out)
{
	enum rpc_next what = RPC_AGAIN;

	if (rpc_call_stopping(s->call)) {
		rpc_call_finish(s->call, RPC_UNAVAILABLE, "the agent is stopping");
		return RPC_DONE;
	}
	quiet_point(s->from.quiet, QUIET_RPC);
	if (s->seeking)
		what = seek(s) == RPC_IDLE ? RPC_IDLE : RPC_AGAIN;
	for (unsigned int looked = 0; may_look(s, looked) && what == RPC_AGAIN && !s->seeking; looked++)
		what = step(s, out);
	quiet_away(s->from.quiet, QUIET_RPC);
	return what;
}

bool stream_wants_marks(const struct stream *s, const char *name)
{
	return s->marks && !strcmp(s->name, name);
}

void stream_mark(struct stream *s, uint64_t before, uint64_t time)
{
	if (s->end != UINT64_MAX)
		return;			/* it will end: that says more than a mark */
	s->mark_before = before;
	s->mark_time = time;
	rpc_call_wake(s->call);
}
