// SPDX-License-Identifier: Apache-2.0
/* Feeds: gRPC's thread's part, streams onto tapes. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "relay/feed_inside.h"
#include "relay/notices.h"
#include "relay/pack.h"
#include "relay/when.h"

#define TURN	256			/* messages, then others have their turn */
#define TRIM_MS 1000			/* after a feed's end its calls have ended, too */
#define NOBODY	UINT64_MAX		/* as a feed's lead */
#define LOOK_MS 100			/* how many messages come is looked at so often */
#define FAST	500			/* so many in that time: making text of them costs more than a percent of a CPU */

static void pump(void *ctx);
static void on_inbox(void *ctx);

int feeds_open(struct feeds **out, const struct feeds_options *options)
{
	struct feeds *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->options = *options;
	f->inbox_end = &f->inbox;
	f->bell = (struct rpc_bell){ .fn = on_inbox, .ctx = f };
	pthread_mutex_init(&f->lock, NULL);
	if (sse_open(&f->sse) || sse_open(&f->words) || packs_open(&f->packs, &(struct packs_size){ FEED_BLOCK, FEED_KEPT })) {
		feeds_close(f);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

/* --- From the stream onto the tape. --- */

/* Bytes that the foremost reader has not read. */
static uint64_t unread(struct feed *f)
{
	uint64_t n;

	pthread_mutex_lock(&f->feeds->lock);
	n = f->lead == NOBODY ? 0 : tape_end(f->tape) - f->lead;
	pthread_mutex_unlock(&f->feeds->lock);
	return n;
}

static bool is_fast(struct feed *f)
{
	uint64_t now = rpc_now_ms();

	f->seen++;
	if (now - f->looked >= LOOK_MS) {
		f->fast = f->seen >= FAST * ((now - f->looked) / LOOK_MS);
		f->looked = now;
		f->seen = 0;
	}
	return f->fast;
}

/* Many come, and nobody will read this one before it is lapped: making text of it would be in vain. */
static bool pass_by(struct feed *f, const uint8_t *data, size_t size)
{
	struct tape_event event;
	uint64_t n = is_fast(f) ? unread(f) : 0;

	if (n > tape_span(f->tape))
		f->passing = true;
	else if (n < tape_span(f->tape) / 4)
		f->passing = false;
	if (!f->passing)
		return false;
	sse_look(data, size, &event);
	if (!event.worth)
		return false;
	pthread_mutex_lock(&f->feeds->lock);
	tape_skip(f->tape, event.worth);
	pthread_mutex_unlock(&f->feeds->lock);
	return true;
}

/* Under the lock. */
static void add(struct feed *f, const struct tape_event *event)
{
	struct feeds *feeds = f->feeds;
	size_t left = feeds->taped < FEED_TAPES ? FEED_TAPES - feeds->taped : 0, had = tape_bytes(f->tape);

	if (f->question)
		tape_limit(f->tape, had + left < FEED_TAPE ? had + left : FEED_TAPE);
	tape_add(f->tape, event, feeds->sse.text);
}

static void write_down(struct feed *f, int err, const struct tape_event *event)
{
	struct feeds *feeds = f->feeds;
	struct feed_reader *r = f->readers;
	size_t had;

	pthread_mutex_lock(&feeds->lock);
	had = tape_bytes(f->tape);
	if (!f->question && r && r->joined && !tape_news(f->tape, &r->at))
		tape_rewind(f->tape);
	if (err)
		tape_skip(f->tape, event->worth);
	else
		add(f, event);
	feeds->taped += tape_bytes(f->tape) - had;
	pthread_mutex_unlock(&feeds->lock);
}

static void be_ready(struct feed *f);

static void give_back(void *ctx)
{
	malloc_trim(0);
}

static void give_back_soon(struct feeds *f)
{
	rpc_timer_set(f->options.rpc, &f->trim, TRIM_MS, give_back, NULL);
}

static void on_message(void *ctx, const void *data, size_t size)
{
	struct feed *f = ctx;
	struct tape_event event = { .kind = TAPE_NODE };
	int err;

	if (!f->ready && flows_live(f->stream))
		be_ready(f);
	if (pass_by(f, data, size))
		return;
	err = sse_response(&f->feeds->sse, data, size, &event);
	f->past += !f->ready && event.kind == TAPE_FLOW;
	write_down(f, err, &event);
}

static void on_impatient(void *ctx)
{
	struct feed *f = ctx;

	f->patient = false;
	pump(f);
}

/* What has its own reader comes as fast as that one reads; of the present, what waits is soon too much. */
static bool must_wait(struct feed *f)
{
	struct feed_reader *r = f->readers;
	bool waits, live = r && r->ask.follow && f->ready;
	uint64_t n;

	if (f->question || !r)
		return false;
	pthread_mutex_lock(&f->feeds->lock);
	n = f->lead == NOBODY ? 0 : tape_end(f->tape) - f->lead;
	f->patient |= n < FEED_AHEAD / 2;
	waits = f->waits = f->patient && n >= FEED_AHEAD;
	pthread_mutex_unlock(&f->feeds->lock);
	if (!waits)
		rpc_timer_stop(f->feeds->options.rpc, &f->timer);
	else if (!f->timer.when)
		rpc_timer_set(f->feeds->options.rpc, &f->timer, live ? FEED_LIVE_MS : FEED_PATIENCE_MS, on_impatient, f);
	return waits;
}

/* The last event, and why. */
static void finish(struct feed *f, const char *error)
{
	struct tape_event event = { .kind = TAPE_END };
	char said[512];			/* the stream's own goes with it */
	int err;

	snprintf(said, sizeof(said), "%s", error);
	if (f->stream)
		flows_close(f->stream);
	f->stream = NULL;
	if (f->readers)			/* patience; else it is grace, and stays */
		rpc_timer_stop(f->feeds->options.rpc, &f->timer);
	if (!f->ready)
		be_ready(f);
	err = sse_end(&f->feeds->sse, said, &event);
	write_down(f, err, &event);
}

static void pump(void *ctx)
{
	struct feed *f = ctx;
	unsigned int i = 0;
	const char *text;

	for (enum rpc_next next = RPC_MESSAGE; next == RPC_MESSAGE && i < TURN && f->stream && !must_wait(f); i++) {
		next = flows_next(f->stream, on_message, f);
		if (next == RPC_AGAIN)
			i = TURN;
		if (next == RPC_IDLE && !f->ready && flows_live(f->stream))
			be_ready(f);
		if (next == RPC_DONE) {
			flows_end(f->stream, &text);
			finish(f, text);
		}
	}
	feeds_tell(f->feeds);
	if (i >= TURN && f->stream)
		rpc_bell_ring(f->feeds->options.rpc, &f->bell);
}

/* --- Feeds come and go. --- */

static void on_wake(void *ctx)
{
	struct feed *f = ctx;

	rpc_bell_ring(f->feeds->options.rpc, &f->bell);
}

static void count_feed(struct feed *f, bool comes)
{
	pthread_mutex_lock(&f->feeds->lock);
	if (comes) {
		f->feeds->counts.feeds++;
		f->feeds->taped += tape_bytes(f->tape);
	} else {
		f->feeds->counts.feeds--;
		f->feeds->taped -= tape_bytes(f->tape);
	}
	pthread_mutex_unlock(&f->feeds->lock);
}

static struct feed *feed_new(struct feeds *feeds, const uint8_t *question, size_t size)
{
	struct tape_size as = { feeds->packs, FEED_BLOCK, question ? FEED_TAPE : FEED_OWN, question ? FEED_KEEP : 0 };
	struct feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->feeds = feeds;
	f->lead = NOBODY;
	f->patient = true;
	f->bell = (struct rpc_bell){ .fn = pump, .ctx = f };
	f->question = question ? malloc(size + 1) : NULL;
	if ((question && !f->question) || tape_new(&f->tape, &as)) {
		free(f->question);
		free(f);
		return NULL;
	}
	if (question)
		memcpy(f->question, question, size);
	f->size = size;
	f->next = feeds->feed;
	feeds->feed = f;
	count_feed(f, true);
	return f;
}

static void feed_free(struct feed *f)
{
	struct feeds *feeds = f->feeds;
	struct feed **at = &feeds->feed;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (f->stream)
		flows_close(f->stream);
	count_feed(f, false);
	rpc_bell_forget(feeds->options.rpc, &f->bell);
	rpc_timer_stop(feeds->options.rpc, &f->timer);
	if (!feeds->stopped)
		give_back_soon(feeds);
	pthread_mutex_lock(&feeds->lock);
	tape_free(f->tape);
	if (!feeds->feed)
		packs_rest(feeds->packs);
	pthread_mutex_unlock(&feeds->lock);
	free(f->question);
	free(f);
}

static void start(struct feed *f, const uint8_t *request, size_t size)
{
	struct flows_want want = { .path = FLOWS_GET, .data = request, .size = size, .who = "the page", .wake = on_wake, .ctx = f };
	struct complaint why = { 0 };
	struct stream *s;

	if (flows_open(&s, f->feeds->options.flows, &want, &why)) {
		finish(f, why.text);
		feeds_tell(f->feeds);
		return;
	}
	f->stream = s;
	on_wake(f);
}

static void on_grace(void *ctx)
{
	feed_free(ctx);
}

/* Its last reader has left.  A page that is loaded again soon finds it as it was. */
static void be_idle(struct feed *f)
{
	struct feed *oldest = f;
	unsigned int idle = 0;

	f->idle = rpc_now_ms();
	rpc_timer_set(f->feeds->options.rpc, &f->timer, FEED_GRACE_MS, on_grace, f);
	for (struct feed *o = f->feeds->feed; o; o = o->next) {
		if (o->readers || !o->question)
			continue;
		idle++;
		if (o->idle < oldest->idle)
			oldest = o;
	}
	if (idle > FEED_IDLE && oldest != f)
		feed_free(oldest);
}

/* --- Readers come and go. --- */

static void find_lead(struct feed *f)
{
	uint64_t lead = 0;

	pthread_mutex_lock(&f->feeds->lock);
	f->lead = NOBODY;
	for (struct feed_reader *r = f->readers; r; r = r->next) {
		if (!r->joined)
			continue;
		lead = r->at.byte > lead ? r->at.byte : lead;
		f->lead = lead;
	}
	pthread_mutex_unlock(&f->feeds->lock);
}

static void put_in(struct feed *f, struct feed_reader *r)
{
	r->next = f->readers;
	f->readers = r;
	pthread_mutex_lock(&f->feeds->lock);
	r->feed = f;
	pthread_mutex_unlock(&f->feeds->lock);
}

static void take_out(struct feed_reader *r)
{
	struct feed_reader **at = &r->feed->readers;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	find_lead(r->feed);
}

/* For want of memory: all that it will be told. */
static void refuse(struct feed_reader *r)
{
	struct feeds *feeds = r->feeds;
	struct tape_event event = { .size = 0 };
	int err = sse_end(&feeds->sse, "no memory", &event);

	pthread_mutex_lock(&feeds->lock);
	r->feed = NULL;
	r->joined = false;
	r->over = true;
	free(r->rest);
	r->rest = err ? NULL : malloc(event.size);
	r->rest_size = event.size;
	r->rest_taken = 0;
	if (r->rest)
		memcpy(r->rest, feeds->sse.text, event.size);
	pthread_mutex_unlock(&feeds->lock);
	feeds_tell(feeds);
}

static void begin_own(struct feed_reader *r)
{
	struct feed *f = feed_new(r->feeds, NULL, 0);

	if (!f) {
		refuse(r);
		return;
	}
	put_in(f, r);
	pthread_mutex_lock(&r->feeds->lock);
	tape_all(f->tape, &r->at);
	r->joined = true;
	f->lead = 0;
	pthread_mutex_unlock(&r->feeds->lock);
	start(f, r->ask.request, r->ask.size);
}

/* Which nodes are there, as events.  NULL: nothing is to be told, or there is no memory for it. */
static char *name_nodes(struct feed *f, size_t *size)
{
	static uint8_t buf[WIRE_RESPONSE_MAX];	/* one thread */
	struct notices *all = calloc(1, sizeof(*all));
	char *text = NULL, *more;
	struct tape_event event;
	size_t n;

	*size = 0;
	if (all && f->stream)
		flows_nodes(f->stream, all);
	while (all && (n = notices_take(all, when_mono(), buf, sizeof(buf)))) {
		if (sse_response(&f->feeds->sse, buf + sizeof(buf) - n, n, &event) || !(more = realloc(text, *size + event.size)))
			continue;
		text = more;
		memcpy(text + *size, f->feeds->sse.text, event.size);
		*size += event.size;
	}
	if (all)
		notices_free(all);
	free(all);
	return text;
}

/* The past is on the tape: this one begins so many flows before its end.  false: they are not there. */
static bool join(struct feed *f, struct feed_reader *r)
{
	bool whole = f->past < FEED_LAST;	/* there was no more */
	struct tape_at at;
	size_t size;
	bool there;
	char *text;

	pthread_mutex_lock(&f->feeds->lock);
	there = !tape_last(f->tape, r->ask.last, &at) || (whole && !tape_all(f->tape, &at));
	pthread_mutex_unlock(&f->feeds->lock);
	if (!there)
		return false;
	text = name_nodes(f, &size);
	pthread_mutex_lock(&f->feeds->lock);
	r->rest = text;
	r->rest_size = size;
	r->rest_taken = 0;
	r->at = at;
	r->began = tape_end(f->tape);
	r->joined = true;
	if (f->lead == NOBODY || at.byte > f->lead)
		f->lead = at.byte;
	pthread_mutex_unlock(&f->feeds->lock);
	return true;
}

static void join_or_own(struct feed *f, struct feed_reader *r)
{
	if (join(f, r))
		return;
	take_out(r);
	if (!f->readers)
		be_idle(f);
	begin_own(r);
}

static void be_ready(struct feed *f)
{
	struct feed_reader *next;

	f->ready = true;
	give_back_soon(f->feeds);	/* finding the past takes more than going on */
	for (struct feed_reader *r = f->question ? f->readers : NULL; r; r = next) {
		next = r->next;
		join_or_own(f, r);
	}
}

static struct feed *find(struct feeds *feeds, const struct feed_ask *ask)
{
	struct feed *f = feeds->feed;

	while (f && !(f->question && f->stream && f->size == ask->shared_size && !memcmp(f->question, ask->shared, f->size)))
		f = f->next;
	return f;
}

static void begin_shared(struct feed_reader *r)
{
	struct feed *f = find(r->feeds, &r->ask);

	if (f) {
		rpc_timer_stop(r->feeds->options.rpc, &f->timer);
		put_in(f, r);
		if (f->ready)
			join_or_own(f, r);
		feeds_tell(r->feeds);
		return;
	}
	f = feed_new(r->feeds, r->ask.shared, r->ask.shared_size);
	if (!f) {
		refuse(r);
		return;
	}
	put_in(f, r);
	start(f, r->ask.shared, r->ask.shared_size);
}

static void leave(struct feed_reader *r)
{
	struct feed *f = r->feed;

	if (f) {
		take_out(r);
		if (!f->readers && f->question && f->stream && !r->feeds->stopped)
			be_idle(f);
		else if (!f->readers)
			feed_free(f);
	}
	feed_reader_free(r);
}

static struct feed_reader *take_inbox(struct feeds *f, bool *left)
{
	struct feed_reader *r;

	pthread_mutex_lock(&f->lock);
	r = f->inbox;
	if (r) {
		f->inbox = r->in;
		if (!f->inbox)
			f->inbox_end = &f->inbox;
		r->inbox = false;
		*left = r->left;
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void on_inbox(void *ctx)
{
	struct feeds *f = ctx;
	struct feed_reader *r;
	bool left;

	while ((r = take_inbox(f, &left))) {
		if (left)
			leave(r);
		else if (!f->stopped && r->ask.shared)
			begin_shared(r);
		else if (!f->stopped)
			begin_own(r);
	}
}

/* --- The end. --- */

void feeds_stop(struct feeds *f)
{
	f->stopped = true;
	rpc_timer_stop(f->options.rpc, &f->again);
	rpc_timer_stop(f->options.rpc, &f->trim);
	for (struct feed *o = f->feed; o; o = o->next) {
		rpc_timer_stop(f->options.rpc, &o->timer);
		rpc_bell_forget(f->options.rpc, &o->bell);
		if (o->stream)
			flows_close(o->stream);
		o->stream = NULL;
	}
}

void feeds_close(struct feeds *f)
{
	if (!f)
		return;
	f->stopped = true;
	rpc_bell_forget(f->options.rpc, &f->bell);
	on_inbox(f);			/* all have left: they are freed, and their feeds */
	while (f->feed)
		feed_free(f->feed);
	sse_close(&f->sse);
	sse_close(&f->words);
	packs_close(f->packs);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
