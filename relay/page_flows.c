// SPDX-License-Identifier: Apache-2.0
/*
 * Flows as server-sent events: an HTTP answer that is a reader of relay/feed.h.  The question is what `weir observe` takes.
 * While nothing matches, a comment goes out now and then: who listens then knows that we are there, and what lies between does
 * not take the connection for dead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/select/select.h"
#include "observer/observer.pb-c.h"
#include "relay/feed.h"
#include "relay/page_inside.h"
#include "relay/when.h"

#define WORDS_MOST 256
#define BEAT ": beat\n\n"
#define BEAT_MS	   15000

struct page_flow {
	struct page_flow *next;		/* the page's */
	struct page *page;
	struct http_ask *ask;		/* NULL: not answered yet */
	struct feed_reader *reader;
	bool quiet;			/* nothing went out since the last beat was due */
	bool beat;			/* one is due */
};

static ssize_t pull(void *ctx, char *buf, size_t size)
{
	struct page_flow *f = ctx;
	ssize_t n = feed_read(f->reader, buf, size);

	if (!n && f->beat && size >= sizeof(BEAT)) {
		memcpy(buf, BEAT, sizeof(BEAT) - 1);
		n = sizeof(BEAT) - 1;
	}
	if (n > 0)
		f->quiet = f->beat = false;
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

	loop_after(p->relay->loop, &p->beat, BEAT_MS, on_beat, p);
	for (struct page_flow *f = p->flow, *next; f; f = next) {
		next = f->next;
		f->beat = f->quiet;
		f->quiet = true;
		if (f->beat)
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
		loop_after(p->relay->loop, &p->beat, BEAT_MS, on_beat, p);
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
