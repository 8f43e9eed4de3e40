// SPDX-License-Identifier: Apache-2.0
/*
 * Flows as server-sent events.  The question is what `weir observe` takes; the flows come from the relay's own GetFlows.  While a
 * client reads, but not yet, the stream of its flows pauses; not for long, for what waits behind a pause waits in this process.
 * Who follows and does not read loses flows then, and is told how many before the next one.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/select/select.h"
#include "lib/wire/json.h"
#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/page_inside.h"
#include "relay/when.h"

#define QUEUE (32U << 10)		/* bytes of events that wait; then the stream pauses */
#define WORDS_MOST 256
#define PATIENCE_MS 100			/* with who follows; kernels keep megabytes for who reads late */
#define TRIM_MS 1000			/* after that what waited has passed by */
#define PATIENCE_LAST_MS 10000		/* with who asked for what has been: it ends by itself */

struct page_flow {
	struct page_flow *next;		/* gRPC's thread */
	struct page *page;
	struct rpc_ask *call;		/* gRPC's thread */
	uint8_t *request;
	size_t size;
	bool paused;			/* gRPC's thread: message() said so */
	bool follows, behind;		/* gRPC's thread; behind: what comes is lost, until there is room */
	uint64_t lost;			/* gRPC's thread: so many since it is behind */
	struct rpc_timer patience;	/* gRPC's thread: runs while paused */

	struct http_ask *ask;		/* main thread; NULL: the client has left */
	bool stirring;			/* main thread: a call of ours is on its way there, or from there */
	unsigned int holds;		/* under the lock: threads that still use it */

	pthread_mutex_t lock;
	char *events;			/* under the lock, 'filled' of 'room' bytes; the first 'taken' have gone */
	size_t filled, taken, room;
	bool ended, told, waits;	/* waits: gRPC's side wants to know when there is room */
};

static void drop(struct page_flow *f)
{
	bool last;

	pthread_mutex_lock(&f->lock);
	last = !--f->holds;
	pthread_mutex_unlock(&f->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f->events);
	free(f->request);
	free(f);
}

/* -- gRPC's thread: responses become events -- */

static void on_stir(void *ctx);

static void tell_main(struct page_flow *f)
{
	bool told;

	pthread_mutex_lock(&f->lock);
	told = f->told;
	f->told = true;
	f->holds += !told;
	pthread_mutex_unlock(&f->lock);
	if (!told && loop_post(f->page->relay->loop, on_stir, f)) {
		pthread_mutex_lock(&f->lock);
		f->told = false;
		pthread_mutex_unlock(&f->lock);
		drop(f);
	}
}

static void put(struct page_flow *f, const char *event, const char *data, size_t size)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "event: %s\ndata: ", event);
	size_t need;

	pthread_mutex_lock(&f->lock);
	if (f->taken) {
		memmove(f->events, f->events + f->taken, f->filled - f->taken);
		f->filled -= f->taken;
		f->taken = 0;
	}
	need = f->filled + n + size + 2;
	if (need > f->room) {
		char *more = realloc(f->events, need + need / 2);

		if (!more) {
			pthread_mutex_unlock(&f->lock);
			return;
		}
		f->events = more;
		f->room = need + need / 2;
	}
	memcpy(f->events + f->filled, head, n);
	memcpy(f->events + f->filled + n, data, size);
	memcpy(f->events + f->filled + n + size, "\n\n", 2);
	f->filled = need;
	pthread_mutex_unlock(&f->lock);
}

static void put_message(struct page_flow *f, const char *event, const ProtobufCMessage *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct json_out j;

	if (!to)
		return;
	json_begin(&j, to, false);
	wire_json(&j, NULL, m);
	json_done(&j);
	fclose(to);
	while (size && text[size - 1] == '\n')
		size--;
	put(f, event, text, size);
	free(text);
}

static void put_lost(struct page_flow *f)
{
	Flow__LostEvent lost = FLOW__LOST_EVENT__INIT;
	Observer__GetFlowsResponse r = OBSERVER__GET_FLOWS_RESPONSE__INIT;

	lost.source = FLOW__LOST_EVENT_SOURCE__OBSERVER_EVENTS_QUEUE;
	lost.num_events_lost = f->lost;
	r.response_types_case = OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS;
	r.lost_events = &lost;
	put_message(f, "lost", &r.base);
	f->lost = 0;
}

/* Whether this one is lost. */
static bool passes_by(struct page_flow *f)
{
	bool room;

	if (!f->behind)
		return false;
	pthread_mutex_lock(&f->lock);
	room = f->filled - f->taken < QUEUE / 2;
	pthread_mutex_unlock(&f->lock);
	if (!room) {
		f->lost++;
		return true;
	}
	f->behind = false;
	put_lost(f);
	return false;
}

static void give_back(void *ctx)
{
	malloc_trim(0);
}

static void on_impatient(void *ctx)
{
	struct page_flow *f = ctx;

	if (!f->call || !f->paused)
		return;
	f->behind = true;
	f->paused = false;
	rpc_timer_set(f->page->relay->rpc, &f->page->trim, TRIM_MS, give_back, NULL);
	rpc_ask_read(f->call);
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	struct page_flow *f = ctx;
	Observer__GetFlowsResponse *r;
	bool room;

	if (passes_by(f))
		return true;
	r = observer__get_flows_response__unpack(NULL, size, data);
	if (r) {
		put_message(f, r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW ? "flow" :
			       r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS ? "lost" : "node",
			    &r->base);
		observer__get_flows_response__free_unpacked(r, NULL);
	}
	tell_main(f);
	pthread_mutex_lock(&f->lock);
	room = f->filled - f->taken < QUEUE;
	f->waits = !room;
	pthread_mutex_unlock(&f->lock);
	f->paused = !room;
	if (f->paused)
		rpc_timer_set(f->page->relay->rpc, &f->patience, f->follows ? PATIENCE_MS : PATIENCE_LAST_MS, on_impatient, f);
	return room;
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	struct page_flow *f = ctx;
	struct page *p = f->page;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	f->call = NULL;
	rpc_timer_stop(p->relay->rpc, &f->patience);
	if (f->lost)
		put_lost(f);
	if (to) {
		fputs("{\"error\":", to);
		json_quote(to, end->code == RPC_OK ? "" : end->text);
		fputs("}", to);
		fclose(to);
		put(f, "end", text, size);
		free(text);
	}
	for (struct page_flow **at = &p->flow; *at; at = &(*at)->next) {
		if (*at == f) {
			*at = f->next;
			break;
		}
	}
	if (!p->flow)
		malloc_trim(0);		/* the last one: what streams took is given back */
	pthread_mutex_lock(&f->lock);
	f->ended = true;
	pthread_mutex_unlock(&f->lock);
	tell_main(f);
	drop(f);
}

static void begin(void *ctx)
{
	struct page_flow *f = ctx;
	struct page *p = f->page;
	struct rpc_ask_options o = { .path = "/observer.Observer/GetFlows", .data = f->request, .size = f->size,
				     .message = on_message, .ended = on_end, .ctx = f };
	struct rpc_end end = { .code = RPC_UNAVAILABLE, .text = "the relay is ending" };

	f->next = p->flow;
	p->flow = f;
	if (p->stopped || rpc_ask(&f->call, p->self, &o))
		on_end(NULL, &end, f);
}

/* There is room again, or nobody listens any more. */
static void on_room(void *ctx)
{
	struct page_flow *f = ctx;

	if (f->call && f->paused) {
		f->paused = false;
		rpc_timer_stop(f->page->relay->rpc, &f->patience);
		rpc_ask_read(f->call);
	}
	drop(f);
}

static void on_hang_up(void *ctx)
{
	struct page_flow *f = ctx;

	if (f->call)
		rpc_ask_cancel(f->call);
	drop(f);
}

void page_flows_stop(struct page *p)
{
	struct page_flow *next;

	rpc_timer_stop(p->relay->rpc, &p->trim);
	for (struct page_flow *f = p->flow; f; f = next) {
		next = f->next;
		if (f->call)
			rpc_ask_cancel(f->call);
	}
}

/* -- the main thread: events go out as they are read -- */

static void on_stir(void *ctx)
{
	struct page_flow *f = ctx;

	pthread_mutex_lock(&f->lock);
	f->told = false;
	pthread_mutex_unlock(&f->lock);
	if (f->ask)
		http_more(f->ask);
	drop(f);
}

static ssize_t pull(void *ctx, char *buf, size_t size)
{
	struct page_flow *f = ctx;
	bool room = false, ended;
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = f->filled - f->taken < size ? f->filled - f->taken : size;
	if (n)
		memcpy(buf, f->events + f->taken, n);
	f->taken += n;
	ended = f->ended && f->taken == f->filled;
	if (f->waits && f->filled - f->taken < QUEUE / 2) {
		room = true;
		f->waits = false;
		f->holds++;
	}
	pthread_mutex_unlock(&f->lock);
	if (room && rpc_post(f->page->relay->rpc, on_room, f))
		drop(f);
	return n ? (ssize_t)n : ended ? HTTP_END : 0;
}

static void on_release(void *ctx)
{
	struct page_flow *f = ctx;

	f->ask = NULL;
	f->page->streams--;
	if (f->page->closing && f->told)
		drop(f);		/* on_stir() is on its way in a loop that runs no more; gRPC's thread is gone */
	if (f->page->closing || rpc_post(f->page->relay->rpc, on_hang_up, f))
		drop(f);		/* what on_hang_up() would have dropped */
}

/* -- the question -- */

/* Words as a shell would split them, quotes and backslashes honoured.  Returns how many, -EINVAL for an open quote. */
static int split(char *text, char **word, int most)
{
	char *to = text, quote = 0;
	int n = 0;

	for (;;) {
		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			return n;
		if (n == most)
			return -E2BIG;
		word[n++] = to;
		for (; *text && (quote || (*text != ' ' && *text != '\t')); text++) {
			if (quote ? *text == quote : *text == '\'' || *text == '"')
				quote = quote ? 0 : *text;
			else if (*text == '\\' && quote != '\'' && text[1])
				*to++ = *++text;
			else
				*to++ = *text;
		}
		if (quote)
			return -EINVAL;
		text += !!*text;
		*to++ = '\0';
	}
}

static int read_question(char *q, struct select **out, struct complaint *why)
{
	static const struct opt options[] = { OPT_TABLE(select_options), OPT_END };
	char *word[WORDS_MOST + 1] = { NULL }, **first = word;
	int n, err;

	n = split(q, word, WORDS_MOST);
	if (n < 0) {
		complaint_set(why, 0, 0, n == -E2BIG ? "too many words" : "a quote is open");
		return n;
	}
	if (n && !strcmp(*first, "weir"))	/* a whole command, pasted */
		first++, n--;
	if (n && !strcmp(*first, "observe"))
		first++, n--;
	first[n] = NULL;
	err = opt_parse(options, n, first, why);
	if (err >= 0 && err < n) {
		char shown[64];

		complaint_set(why, 0, 0, "'%s' is no option: filters begin with a dash (-n shop, --to-port 443, --denied)",
			      complaint_show(first[err], shown, sizeof(shown)));
		err = -EINVAL;
	}
	if (err < 0) {
		struct complaint other;

		if (!select_done(out, when_real(), &other))	/* forget what was read */
			select_free(*out);
		*out = NULL;
		return err;
	}
	err = select_done(out, when_real(), why);
	if (!err && ((*out)->input || (*out)->ends)) {
		complaint_set(why, 0, 0, "that option is the command line's: --input-file, --print-raw-filters, --explain-filter");
		select_free(*out);
		*out = NULL;
		err = -EINVAL;
	}
	return err;
}

static struct page_flow *flow_new(struct page *p, const struct select *s)
{
	struct page_flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->page = p;
	f->holds = 2;			/* gRPC's call, and HTTP's answer */
	f->follows = s->ask->follow;
	f->size = observer__get_flows_request__get_packed_size(s->ask);
	f->request = malloc(f->size + 1);
	if (!f->request) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	observer__get_flows_request__pack(s->ask, f->request);
	return f;
}

static void answer(struct page *p, struct http_ask *ask, const struct select *s)
{
	struct page_flow *f = flow_new(p, s);

	if (!f || rpc_post(p->relay->rpc, begin, f)) {
		if (f) {
			f->holds = 1;
			drop(f);
		}
		page_refuse(ask, 503, "no memory");
		return;
	}
	f->ask = ask;
	p->streams++;
	p->streams_ever++;
	http_answer(ask, &(struct http_answer){ .type = "text/event-stream",
						.fields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
						.pull = pull, .release = on_release, .ctx = f });
}

void page_flows(void *page, struct http_ask *ask)
{
	struct page *p = page;
	struct complaint why = { 0 };
	struct select *s = NULL;
	char q[4096] = "";

	if (!page_allowed(ask))
		return;
	if (p->streams >= PAGE_STREAMS) {
		page_refuse(ask, 503, "%u streams of flows are open already: close a page", p->streams);
		return;
	}
	if (http_query_value(ask, "q", q, sizeof(q)) == -ENOSPC) {
		page_refuse(ask, 400, "the filter is longer than %zu bytes", sizeof(q) - 1);
		return;
	}
	if (read_question(q, &s, &why)) {
		page_refuse(ask, 400, "%s", why.text);
		return;
	}
	answer(p, ask, s);
	select_free(s);
}
