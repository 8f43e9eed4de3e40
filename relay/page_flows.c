// SPDX-License-Identifier: Apache-2.0
/*
 * Flows as server-sent events: an HTTP answer that is a reader of relay/feed.h.  The question is what `weir observe` takes.
 * While nothing matches, a comment goes out now and then: who listens then knows that we are there, and what lies between does
 * not take the connection for dead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "observer/observer.pb-c.h"
#include "relay/feed.h"
#include "relay/page_inside.h"
#include "relay/question.h"

#define BEAT ": beat\n\n"
#define TICK_MS	   5000
#define QUIET_MOST 3			/* ticks without a byte, then a beat: so after 10 to 15 s */

struct page_flow {
	struct page_flow *next;		/* the page's */
	struct page *page;
	struct http_ask *ask;		/* NULL: not answered yet */
	struct feed_reader *reader;
	unsigned int quiet;		/* ticks since something went out */
};

static ssize_t pull(void *ctx, char *buf, size_t size)
{
	struct page_flow *f = ctx;
	ssize_t n = feed_read(f->reader, buf, size);

	if (!n && f->quiet >= QUIET_MOST && size >= sizeof(BEAT)) {
		memcpy(buf, BEAT, sizeof(BEAT) - 1);
		n = sizeof(BEAT) - 1;
	}
	if (n > 0)
		f->quiet = 0;
	return n == FEED_END ? HTTP_END : n;
}

void page_flows_news(void *ctx)
{
	struct page_flow *f = ctx;

	if (f->ask)
		http_more(f->ask);
}

static void on_beat(void *ctx)
{
	struct page *p = ctx;

	loop_after(p->relay->loop, &p->beat, TICK_MS, on_beat, p);
	for (struct page_flow *f = p->flow, *next; f; f = next) {
		next = f->next;
		if (++f->quiet >= QUIET_MOST)
			http_more(f->ask);
	}
}

static void on_release(void *ctx)
{
	struct page_flow *f = ctx, **at = &f->page->flow;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->page->streams--;
	if (!f->page->flow)
		loop_cancel(f->page->relay->loop, &f->page->beat);
	feed_leave(f->reader);
	free(f);
}

/* -- the question -- */

static void answer(struct page *p, struct http_ask *ask, const struct select *s)
{
	struct page_flow *f = calloc(1, sizeof(*f));

	if (f)
		f->reader = feed_ask(p->feeds, s->ask, f);
	if (!f || !f->reader) {
		free(f);
		page_refuse(ask, 503, "no memory");
		return;
	}
	f->page = p;
	f->ask = ask;
	f->next = p->flow;
	p->flow = f;
	p->streams++;
	if (!p->beat.when)
		loop_after(p->relay->loop, &p->beat, TICK_MS, on_beat, p);
	http_answer(ask, &(struct http_answer){ .type = "text/event-stream",
						.fields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
						.pull = pull, .release = on_release, .ctx = f });
}

void page_flows(void *page, struct http_ask *ask)
{
	struct page *p = page;
	struct complaint why = { 0 };
	struct select *s = NULL;
	char q[QUESTION_MOST] = "";

	if (p->streams >= PAGE_STREAMS) {
		page_refuse(ask, 503, "%u streams of flows are open already: close a page", p->streams);
		return;
	}
	if (http_query_value(ask, "q", q, sizeof(q)) == -ENOSPC) {
		page_refuse(ask, 400, "the filter is longer than %zu bytes", sizeof(q) - 1);
		return;
	}
	if (question_read(q, QUESTION_FLOWS, &s, &why)) {
		page_refuse(ask, 400, "%s", why.text);
		return;
	}
	answer(p, ask, s);
	select_free(s);
}
