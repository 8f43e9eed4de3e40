// SPDX-License-Identifier: Apache-2.0
/* Readers of feeds: the main thread's part. */
#include <stdlib.h>
#include <string.h>

#include "observer/observer.pb-c.h"
#include "relay/feed_inside.h"

static uint8_t *pack(const Observer__GetFlowsRequest *request, size_t *size)
{
	uint8_t *bytes;

	*size = observer__get_flows_request__get_packed_size(request);
	bytes = malloc(*size + 1);
	if (bytes)
		observer__get_flows_request__pack(request, bytes);
	return bytes;
}

/* What a follow asks for beside the number of past flows is the same for all who ask it. */
static bool read_question(struct feed_ask *a, const Observer__GetFlowsRequest *request)
{
	Observer__GetFlowsRequest like = *request;

	a->last = request->number;
	a->follow = request->follow;
	a->request = pack(request, &a->size);
	if (!a->request)
		return false;
	if (!request->follow || request->since || request->until || request->first || request->number > FEED_LAST)
		return true;
	like.number = FEED_LAST;
	a->shared = pack(&like, &a->shared_size);
	return a->shared;
}

void feed_reader_free(struct feed_reader *r)
{
	free(r->ask.request);
	free(r->ask.shared);
	free(r->rest);
	free(r);
}

void feed_send(struct feed_reader *r)
{
	struct feeds *f = r->feeds;

	if (r->inbox)
		return;
	r->inbox = true;
	r->in = NULL;
	*f->inbox_end = r;
	f->inbox_end = &r->in;
	rpc_bell_ring(f->options.rpc, &f->bell);
}

struct feed_reader *feed_ask(struct feeds *f, const Observer__GetFlowsRequest *request, void *ctx)
{
	struct feed_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	if (!read_question(&r->ask, request)) {
		feed_reader_free(r);
		return NULL;
	}
	r->feeds = f;
	r->ctx = ctx;
	r->all = f->readers;
	f->readers = r;
	pthread_mutex_lock(&f->lock);
	f->counts.readers++;
	feed_send(r);
	pthread_mutex_unlock(&f->lock);
	return r;
}

void feed_leave(struct feed_reader *r)
{
	struct feeds *f = r->feeds;
	struct feed_reader **at = &f->readers;

	while (*at != r)
		at = &(*at)->all;
	*at = r->all;
	pthread_mutex_lock(&f->lock);
	f->counts.readers--;
	r->left = true;
	feed_send(r);
	pthread_mutex_unlock(&f->lock);
}

static size_t take_rest(struct feed_reader *r, char *buf, size_t size)
{
	size_t n = r->rest_size - r->rest_taken < size ? r->rest_size - r->rest_taken : size;

	if (!r->rest)
		return 0;
	memcpy(buf, r->rest + r->rest_taken, n);
	r->rest_taken += n;
	if (r->rest_taken == r->rest_size) {
		free(r->rest);
		r->rest = NULL;
	}
	return n;
}

/* The next event's text into 'buf', or, if it is longer than all of that, into the rest.  -1: it has to wait. */
static ssize_t take_event(struct feed_reader *r, const struct tape_event *event, char *buf, size_t size, bool first)
{
	bool large = event->size > size;

	if (large && !first)
		return -1;
	r->over = event->kind == TAPE_END;
	if (large) {
		r->rest = malloc(event->size);
		r->rest_size = event->size;
		r->rest_taken = 0;
	}
	if (large && !r->rest) {		/* no memory: as if it had been lapped */
		tape_pass(&r->at, event);
		r->at.missed += event->worth;
		return 0;
	}
	tape_take(r->feed->tape, &r->at, event, large ? r->rest : buf);
	return large ? (ssize_t)take_rest(r, buf, size) : (ssize_t)event->size;
}

/* What it missed is told before what comes next. */
static ssize_t take_missed(struct feed_reader *r, char *buf, size_t size)
{
	struct sse *words = &r->feeds->words;
	struct tape_event event;

	if (sse_lost(words, r->at.missed, &event) || event.size > size)
		return -1;
	memcpy(buf, words->text, event.size);
	r->feeds->counts.missed += r->at.missed;
	r->at.missed = 0;
	return event.size;
}

static size_t take_tape(struct feed_reader *r, char *buf, size_t size)
{
	struct tape *t = r->feed->tape;
	struct tape_event event;
	size_t filled = 0;
	ssize_t n;

	for (bool is = true; is; ) {
		is = tape_look(t, &r->at, &event);
		n = 0;
		if (r->at.missed)
			n = take_missed(r, buf + filled, size - filled);
		else if (is && event.kind == TAPE_NODE && r->at.byte < r->began)
			tape_pass(&r->at, &event);
		else if (is)
			n = take_event(r, &event, buf + filled, size - filled, !filled);
		if (n < 0)
			break;
		filled += n;
		if (r->rest)
			break;
	}
	return filled;
}

static void note_place(struct feed_reader *r)
{
	struct feed *f = r->feed;

	if (r->at.byte > f->lead)
		f->lead = r->at.byte;
	if (f->waits && tape_end(f->tape) - f->lead < FEED_AHEAD / 2) {
		f->waits = false;
		rpc_bell_ring(r->feeds->options.rpc, &f->bell);
	}
}

ssize_t feed_read(struct feed_reader *r, char *buf, size_t size)
{
	struct feeds *f = r->feeds;
	bool over;
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = take_rest(r, buf, size);
	if (!n && r->joined && !r->over) {
		n = take_tape(r, buf, size);
		note_place(r);
	}
	over = r->over && !r->rest;
	pthread_mutex_unlock(&f->lock);
	return n ? (ssize_t)n : over ? FEED_END : 0;
}

static bool has_news(const struct feed_reader *r)
{
	return r->over || r->rest || (r->joined && tape_news(r->feed->tape, &r->at));
}

static void on_told(void *ctx)
{
	struct feeds *f = ctx;
	bool news;

	pthread_mutex_lock(&f->lock);
	f->told = false;
	pthread_mutex_unlock(&f->lock);
	for (struct feed_reader *r = f->readers, *next; r; r = next) {
		next = r->all;
		pthread_mutex_lock(&f->lock);
		news = has_news(r);
		pthread_mutex_unlock(&f->lock);
		if (news)
			f->options.news(r->ctx);
	}
}

static void on_again(void *ctx)
{
	feeds_tell(ctx);
}

void feeds_tell(struct feeds *f)
{
	bool told;

	pthread_mutex_lock(&f->lock);
	told = f->told;
	f->told = true;
	pthread_mutex_unlock(&f->lock);
	if (told || !loop_post(f->options.loop, on_told, f))
		return;
	pthread_mutex_lock(&f->lock);
	f->told = false;
	pthread_mutex_unlock(&f->lock);
	rpc_timer_set(f->options.rpc, &f->again, 10, on_again, f);
}

void feeds_count(struct feeds *f, struct feeds_counts *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->counts;
	pthread_mutex_unlock(&f->lock);
}
