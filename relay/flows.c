// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/log.h"
#include "lib/wire/encode.h"
#include "relay/flows_inside.h"
#include "relay/when.h"

#define MS 1000000ULL
#define GATHER_MS   2			/* messages that come one after the other go out together */
#define QUIET	    (10 * MS)		/* after so long the first one goes at once */
#define SCAN_MOST   512			/* messages that do not go out, per call of next() */
#define CONNECT_MS  2000		/* a stream's begin waits so long for nodes that are just being connected */
#define ANSWER	    (10000 * MS)	/* a node that has to come to an end and is silent for so long is left out */
#define WATCH_MS    500
#define WINDOW_ALL  (1ULL << 32)	/* --last of more means all */

int flows_new(struct flows **out, struct rpc_loop *loop, struct peers *peers)
{
	struct flows *f = calloc(1, sizeof(*f));
	uint64_t chance;

	if (!f)
		return -ENOMEM;
	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		chance = when_real();
	f->loop = loop;
	f->peers = peers;		/* neither is ours */
	snprintf(f->name, sizeof(f->name), "relay-%016llx", (unsigned long long)chance);
	f->counts.streams_most = FLOWS_STREAMS;
	*out = f;
	return 0;
}

void flows_free(struct flows *f)
{
	free(f);
}

/* --- When next() is asked. --- */

static void wake_now(struct stream *s)
{
	if (!s->open)
		return;
	s->woken = when_mono();
	s->wake(s->ctx);
}

static void on_pause(void *ctx)
{
	wake_now(ctx);
}

static void on_timer(void *ctx)
{
	wake_now(ctx);
}

void stream_wake(struct stream *s, uint64_t mono)
{
	if (!s->open || s->pause.when)
		return;
	if (mono - s->woken > QUIET)
		wake_now(s);
	else
		rpc_timer_set(s->loop, &s->pause, GATHER_MS, on_pause, s);
}

/* The earlier of what the merge and the notices wait for. */
static void set_timer(struct stream *s, uint64_t wake)
{
	uint64_t due = notices_due(&s->notices), at = when_mono();

	if (due < wake)
		wake = due;
	if (wake == UINT64_MAX)
		rpc_timer_stop(s->loop, &s->timer);
	else
		rpc_timer_set(s->loop, &s->timer, wake > at ? (wake - at + MS - 1) / MS : 1, on_timer, s);
}

/* --- What goes out. --- */

struct way {
	flows_put put;
	void *to;
};

static bool make_notice(struct stream *s, const struct way *out)
{
	uint8_t buf[WIRE_RESPONSE_MAX];
	size_t size;

	if (notices_due(&s->notices) == UINT64_MAX)
		return false;
	size = notices_take(&s->notices, when_mono(), buf, sizeof(buf));
	if (s->ask.events || !size)
		return false;		/* among events there is no place to tell of nodes, nor of losses */
	out->put(out->to, buf + sizeof(buf) - size, size);
	return true;
}

/* What the relay itself could not keep. */
static bool make_loss(struct stream *s, const struct way *out)
{
	struct wire_loss loss = { .where = WIRE_LOSS_QUEUE, .cpu = -1 };
	uint8_t buf[512];
	size_t size;

	s->dropped = s->cut + merge_dropped(s->merge);
	if (s->dropped == s->told || s->gathering || s->ask.events)
		return false;
	loss.count = s->dropped - s->told;
	s->told = s->dropped;
	size = wire_lost_response(&loss, "", when_real(), buf, sizeof(buf));
	if (size)
		out->put(out->to, buf + sizeof(buf) - size, size);
	return size > 0;
}

static void drop_oldest(struct stream *s)
{
	s->window_flows -= queue_first(&s->window)->kind == MESSAGE_FLOW;
	queue_pop(&s->window);
}

/* Of what is past, the last N stay; and no more than there is room for. */
static void gather(struct stream *s, const struct merge_item *item)
{
	struct message head = { .key = item->time, .size = item->size, .kind = item->kind };

	if (queue_push(&s->window, &head, item->data)) {
		s->cut++;
		return;
	}
	s->window_flows += item->kind == MESSAGE_FLOW;
	while (s->window_flows > s->ask.number)
		drop_oldest(s);
	for (; s->window.bytes > FLOWS_WINDOW; drop_oldest(s)) {
		s->cut += queue_first(&s->window)->kind == MESSAGE_FLOW;
		s->flows->counts.cut++;
	}
}

static void send_bytes(struct stream *s, const struct way *out, const void *data, size_t size, uint32_t kind)
{
	out->put(out->to, data, size);
	s->sent += kind == MESSAGE_FLOW;
	s->flows->counts.flows += kind == MESSAGE_FLOW;
	s->flows->counts.bytes += size;
}

static enum rpc_next flush(struct stream *s, const struct way *out)
{
	const struct message *m = queue_first(&s->window);

	if (!m) {
		queue_free(&s->window);
		s->flushing = false;
		return RPC_IDLE;
	}
	send_bytes(s, out, queue_bytes(m), m->size, m->kind);
	queue_pop(&s->window);
	return RPC_MESSAGE;
}

static void end_gathering(struct stream *s)
{
	s->flushing = s->gathering;
	s->gathering = s->past = false;
}

static void resume(struct stream *s)
{
	struct leg *leg;

	while ((leg = merge_resume(s->merge)))
		leg_read(leg);
}

static enum rpc_next waiting(struct stream *s, uint64_t wake)
{
	struct leg *leg;

	resume(s);
	while ((leg = merge_ask(s->merge)))
		leg_mark(leg);
	set_timer(s, wake);
	return RPC_IDLE;
}

/* One message of the merge, if it may go. */
static enum rpc_next merged(struct stream *s, const struct way *out)
{
	struct merge_now now;
	struct merge_item item;
	uint64_t wake;

	when_both(&now.real, &now.mono);
	for (unsigned int i = 0; i < SCAN_MOST; i++) {
		switch (merge_next(s->merge, &now, &item, &wake)) {
		case MERGE_ITEM:
			break;
		case MERGE_DONE:
			end_gathering(s);
			if (!s->flushing && (!s->ask.follow || (s->ask.until && now.real > s->ask.until)))
				return RPC_DONE;
			return s->flushing ? RPC_AGAIN : waiting(s, wake);
		default:
			return waiting(s, wake);
		}
		if (item.kind == MESSAGE_NOW) {
			end_gathering(s);
			return RPC_AGAIN;
		}
		if (!s->gathering) {
			send_bytes(s, out, item.data, item.size, item.kind);
			resume(s);
			return RPC_MESSAGE;
		}
		gather(s, &item);
		resume(s);
	}
	return RPC_AGAIN;
}

/* The first N, of all that is kept or from a time on, are the first N of all nodes. */
static bool has_all(const struct stream *s)
{
	return (s->ask.first || s->ask.since) && !s->ask.follow && s->ask.number && s->sent >= s->ask.number;
}

static bool make_word(struct stream *s, const struct way *out)
{
	return make_notice(s, out) || make_loss(s, out);
}

enum rpc_next flows_next(struct stream *s, flows_put put, void *to)
{
	struct way out = { put, to };
	enum rpc_next next;

	if (s->code)
		return RPC_DONE;
	if (make_word(s, &out))
		return RPC_MESSAGE;
	if (s->flushing && flush(s, &out) == RPC_MESSAGE)
		return RPC_MESSAGE;
	if (!s->begun)
		return RPC_IDLE;
	next = has_all(s) ? RPC_DONE : merged(s, &out);
	if (next != RPC_DONE)
		return next;
	notices_hurry(&s->notices);
	return make_word(s, &out) ? RPC_MESSAGE : RPC_DONE;
}

enum rpc_code flows_end(const struct stream *s, const char **text)
{
	*text = s->text;
	return s->code;
}

bool flows_live(const struct stream *s)
{
	return s->begun && !s->past && !s->gathering && !s->flushing;
}

/* --- Nodes that come and go. --- */

void stream_fail(struct stream *s, enum rpc_code code, const char *text)
{
	if (!s->open || s->code)
		return;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text);
	wake_now(s);
}

static void stream_free(struct stream *s)
{
	struct stream **at = &s->flows->streams;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	flows_ask_free(&s->ask);
	notices_free(&s->notices);
	queue_free(&s->window);
	free(s);
}

void stream_settle(struct stream *s)
{
	if (legs_drop(s) && !s->open)
		stream_free(s);
	else
		stream_wake(s, when_mono());
}

static void add_notice(struct notices *to, const struct peer *p)
{
	enum wire_node_state state = p->gone ? WIRE_NODE_GONE : p->state == PEER_CONNECTED ? WIRE_NODE_CONNECTED
									: WIRE_NODE_UNAVAILABLE;

	notices_add(to, state, p->name, p->gone ? "" : p->why, when_mono());
}

static void start_leg(struct stream *s, struct peer *p)
{
	int err = leg_start(s, p);

	if (err)
		notices_add(&s->notices, WIRE_NODE_ERROR, p->name, strerror(-err), when_mono());
}

static void on_peer(void *ctx, struct peer *p)
{
	struct stream *s = ctx;
	struct leg *leg = leg_of(s, p);

	if (!s->begun || !s->open)
		return;
	if (!p->gone && p->state == PEER_CONNECTED) {
		if (!s->ask.follow)
			return;
		start_leg(s, p);
	} else if (leg) {
		leg_cancel(leg, NULL);
	}
	if (p->gone || p->state != PEER_CONNECTING)
		add_notice(&s->notices, p);
	stream_wake(s, when_mono());
	if (p->gone)
		legs_drop(s);
}

/* Who has to come to an end and has stopped to speak is left out; one whose reading we paused is not to blame. */
static void watch_leg(struct stream *s, struct leg *leg, uint64_t now)
{
	if (!s->ask.follow && leg->ask && !leg->paused && now - leg->heard > ANSWER)
		leg_cancel(leg, "it does not come to an end");
	if (leg->again && leg->again <= now) {
		leg->again = 0;
		if (leg->peer->state == PEER_CONNECTED && !leg->peer->gone)
			start_leg(s, leg->peer);
	}
}

static void on_watch(void *ctx)
{
	struct stream *s = ctx;
	bool more = !s->ask.follow;

	if (!s->open)
		return;
	for (struct leg *leg = s->legs, *next; leg; leg = next) {
		next = leg->next;
		watch_leg(s, leg, when_mono());
		more |= leg->again != 0;
	}
	if (more)
		stream_watch(s);
}

void stream_watch(struct stream *s)
{
	if (!s->watch.when)
		rpc_timer_set(s->loop, &s->watch, WATCH_MS, on_watch, s);
}

void flows_nodes(const struct stream *s, struct notices *out)
{
	for (const struct peer *p = peers_first(s->flows->peers); p; p = p->next) {
		add_notice(out, p);
		if (p->foreign && s->ask.ours)
			notices_add(out, WIRE_NODE_ERROR, p->name, LEG_FOREIGN, when_mono());
	}
	for (const struct leg *leg = s->legs; leg; leg = leg->next)
		if (!leg->ask && leg->why[0] && !leg->peer->gone)
			notices_add(out, WIRE_NODE_ERROR, leg->peer->name, leg->why, when_mono());
	notices_hurry(out);
}

/* --- A stream's begin and end. --- */

static bool connecting(struct flows *f)
{
	struct peers_counts c;

	peers_count(f->peers, &c);
	return c.state[PEER_CONNECTING] > 0;
}

static void begin(void *ctx)
{
	struct stream *s = ctx;
	struct merge_now now = { when_real(), when_mono() };

	if (!s->open)
		return;
	if (connecting(s->flows) && now.real - s->start < CONNECT_MS * MS) {
		rpc_timer_set(s->loop, &s->watch, 20, begin, s);
		return;
	}
	s->start = now.real;
	for (struct peer *p = peers_first(s->flows->peers); p; p = p->next) {
		if (p->state == PEER_CONNECTED)
			start_leg(s, p);
		add_notice(&s->notices, p);
	}
	s->begun = true;
	notices_hurry(&s->notices);
	s->past = s->ask.follow && (s->ask.number || s->ask.since);
	if (s->past && merge_flag(s->merge, s->start, MESSAGE_NOW, &now))
		s->gathering = s->past = false;
	if (!s->ask.follow)
		stream_watch(s);
	wake_now(s);
}

static struct stream *stream_new(struct flows *f, const struct flows_want *want)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->flows = f;
	s->open = true;
	s->wake = want->wake;
	s->ctx = want->ctx;
	s->loop = f->loop;
	s->start = when_real();
	snprintf(s->name, sizeof(s->name), "%s-%llu", f->name, (unsigned long long)++f->numbers);
	s->listener = (struct peers_listener){ .changed = on_peer, .ctx = s };
	s->next = f->streams;
	f->streams = s;
	return s;
}

int flows_open(struct stream **out, struct flows *f, const struct flows_want *want, struct complaint *why)
{
	struct flows_ask ask;
	struct stream *s;
	int err;

	if (f->counts.streams >= f->counts.streams_most) {
		f->counts.refused++;
		complaint_set(why, 0, 0, "%u streams of flows are open, and no more may be", f->counts.streams);
		return -EBUSY;
	}
	err = flows_ask_read(&ask, want->path, want->data, want->size, why);
	if (err)
		return err;
	s = stream_new(f, want);
	if (!s || merge_new(&s->merge, ask.follow ? s->start : UINT64_MAX)) {
		flows_ask_free(&ask);
		if (s)
			stream_free(s);
		complaint_set(why, 0, 0, "no memory for another stream");
		return -ENOMEM;
	}
	s->ask = ask;
	s->gathering = ask.number && ask.number < WINDOW_ALL && !ask.first && !ask.since;
	f->counts.streams++;
	f->counts.asked++;
	peers_listen(f->peers, &s->listener);
	log_debug("%s: for %s", s->name, want->who);
	*out = s;
	begin(s);
	return 0;
}

void flows_close(struct stream *s)
{
	s->open = false;
	s->flows->counts.streams--;
	s->flows->counts.dropped += merge_dropped(s->merge);
	peers_unlisten(s->flows->peers, &s->listener);
	rpc_timer_stop(s->loop, &s->timer);
	rpc_timer_stop(s->loop, &s->pause);
	rpc_timer_stop(s->loop, &s->watch);
	for (struct leg *leg = s->legs; leg; leg = leg->next)
		leg_cancel(leg, NULL);
	log_debug("%s: %llu flows sent, %llu marks asked for", s->name, (unsigned long long)s->sent, (unsigned long long)s->marks);
	merge_free(s->merge);
	s->merge = NULL;
	stream_settle(s);
}

void flows_count(const struct flows *f, struct flows_counts *out)
{
	struct peers_counts peers;

	peers_count(f->peers, &peers);
	*out = f->counts;
	for (const struct stream *s = f->streams; s; s = s->next)
		out->queued += (s->merge ? merge_bytes(s->merge) : 0) + s->window.bytes;
	out->queued_most = (uint64_t)out->streams_most * (FLOWS_WINDOW + MERGE_POOL + (uint64_t)peers.peers * MERGE_FLOOR);
}
