// SPDX-License-Identifier: Apache-2.0
/* The map and the strip: asked for on the main thread, built on gRPC's, where edges and their past are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/map.h"
#include "relay/narrow.h"
#include "relay/page_inside.h"
#include "relay/question.h"
#include "relay/when.h"

#define LIVE_MS 60000			/* what "now" is */
#define POINTS 20
#define POINT_MS 60000			/* of a sparkline */
#define EXPAND_MOST 64
#define MINUTES_MOST 60
#define TICK_LEAST_MS 2000

struct wanted {
	struct page_answer answer;
	bool strip;
	uint64_t from, to;		/* milliseconds; 'to' 0: live */
	unsigned int minutes, limit;
	char focus[640], expand[4096], fold[4096], keep[2048];
	struct select *only;		/* NULL: everything */
};

struct building {
	struct map *map;
	const struct select *only;
	uint64_t first;			/* of the sparklines */
	bool failed;
};

static void on_window(void *ctx, const struct past_edge *e)
{
	struct building *b = ctx;
	struct past_edge part = *e;

	if (!b->only || narrow(&part, b->only))
		b->failed |= map_add(b->map, &part, MAP_POINTS) != 0;
}

/* Only for the sparklines: sums of nothing but the point. */
static void on_point(void *ctx, uint64_t at, const struct past_edge *e)
{
	struct building *b = ctx;
	struct past_edge point = *e;

	memset(point.sum, 0, sizeof(point.sum));
	point.sum[PAST_OPENED] = e->sum[PAST_OPENED];
	point.sum[PAST_WOULD_DENY] = e->sum[PAST_WOULD_DENY];
	if (b->only && (!e->sum[PAST_OPENED] || !narrow(&point, b->only)))
		return;
	map_point(b->map, &point, (at - b->first) / POINT_MS);
}

static void add_authors(struct map *m, const struct edges *edges)
{
	for (unsigned int i = 0, n = edges_end(edges); i < n; i++) {
		const struct edge *e = edges_at(edges, i);
		struct past_edge key;

		if (!e || !e->sum[EDGE_DENIED])
			continue;
		key = (struct past_edge){ .source = e->source, .destination = e->destination, .port = e->port, .proto = e->proto };
		map_denied(m, &key, e->denied_egress, e->author, e->author_size);
	}
}

static uint64_t now_ms(void) { return when_real() / 1000000; }

static void tick(struct page *p)
{
	struct edges_lost lost;
	uint64_t all = 0;

	for (unsigned int i = 0; edges_lost(p->relay->edges, i, &lost); i++)
		all += lost.events;
	past_tick(p->past, p->relay->edges, all, now_ms());
	p->ticked = now_ms();
}

void page_ticked(void *page)
{
	struct page *p = page;

	tick(p);
	if (!p->stopped)
		rpc_timer_set(p->relay->rpc, &p->tick, PAST_STEP_MS, page_ticked, p);
}

void page_node_told(void *page, const char *node, uint64_t since)
{
	struct page *p = page;

	if (since / 1000000 + LIVE_MS < now_ms())	/* what it summed up before we were there is nobody's minute */
		past_baseline(p->past, p->relay->edges);
}

static void split(char *words, const char **list, unsigned int most)
{
	unsigned int n = 0;
	char *save = NULL;

	for (char *w = strtok_r(words, ",", &save); w && n < most; w = strtok_r(NULL, ",", &save))
		list[n++] = w;
	list[n] = NULL;
}

/* Numbers in base 36, commas between. */
static unsigned int numbers_of(const char *text, uint32_t *list, unsigned int most)
{
	unsigned int n = 0;
	char *end;

	while (*text && n < most) {
		list[n++] = strtoul(text, &end, 36);
		if (*end != ',')
			break;
		text = end + 1;
	}
	return n;
}

static void write_map(struct wanted *w, struct json_out *j)
{
	struct page *p = w->answer.page;
	uint64_t to = w->to ?: now_ms(), from = w->to ? w->from : to - LIVE_MS;
	const char *expand[EXPAND_MOST + 1], *fold[EXPAND_MOST + 1];
	uint32_t keep[MAP_MOST];
	struct map_want want = { .most = w->limit, .expand = expand, .fold = fold, .focus = w->focus, .keep = keep,
				 .nkeep = numbers_of(w->keep, keep, MAP_MOST) };
	struct building b = { .only = w->only, .first = ((to - 1) / POINT_MS - POINTS + 1) * POINT_MS };

	if (map_new(&b.map, to - from, POINTS))
		return;
	past_window(p->past, from, to, on_window, &b);
	past_each(p->past, b.first, to, on_point, &b);
	add_authors(b.map, p->relay->edges);
	split(w->expand, expand, EXPAND_MOST);
	split(w->fold, fold, EXPAND_MOST);
	map_fold(b.map, &want);
	json_bool(j, "live", !w->to);
	if (w->to) {
		json_object(j, "window");
		json_uint(j, "from", from);
		json_uint(j, "to", to);
		json_end(j);
	}
	if (b.failed)
		json_bool(j, "partial", true);
	map_write(b.map, j);
	map_free(b.map);
}

static void write_row(struct json_out *j, const char *key, const struct past_strip *s, unsigned int n, size_t at)
{
	json_array(j, key);
	for (unsigned int i = 0; i < n; i++)
		json_uint(j, NULL, *(const uint64_t *)((const char *)&s[i] + at));
	json_end(j);
}

static void write_marks(struct page *p, uint64_t from, struct json_out *j)
{
	static struct past_mark mark[PAST_MARKS];
	unsigned int n = past_marks(p->past, from, mark, PAST_MARKS);

	json_array(j, "marks");
	for (unsigned int i = 0; i < n; i++) {
		json_object(j, NULL);
		json_uint(j, "at", mark[i].at);
		json_text(j, "what", mark[i].what);
		json_text(j, "name", mark[i].name);
		json_end(j);
	}
	json_end(j);
}

static void write_strip(struct wanted *w, struct json_out *j)
{
	struct past_strip s[MINUTES_MOST + 1];
	struct page *p = w->answer.page;
	uint64_t step = 60000, from = (now_ms() / step - w->minutes + 1) * step;
	struct past_counts c;

	past_strip(p->past, from, step, w->minutes, s);
	past_count(p->past, &c);
	json_uint(j, "step", step);
	json_uint(j, "from", from);
	write_row(j, "flows", s, w->minutes, offsetof(struct past_strip, opened));
	write_row(j, "denied", s, w->minutes, offsetof(struct past_strip, denied));
	write_row(j, "would", s, w->minutes, offsetof(struct past_strip, would_deny));
	write_row(j, "lost", s, w->minutes, offsetof(struct past_strip, lost));
	json_array(j, "known");
	for (unsigned int i = 0; i < w->minutes; i++)
		json_bool(j, NULL, s[i].known);
	json_end(j);
	write_marks(p, from, j);
	json_object(j, "kept");
	json_uint(j, "oldest", c.oldest);
	json_uint(j, "dropped", c.dropped);
	json_uint(j, "bytes", c.bytes);
	json_uint(j, "budget", c.budget);
	json_end(j);
}

static void on_built(void *ctx)
{
	struct wanted *w = ctx;

	page_answer_send(&w->answer);
	select_free(w->only);
	free(w);
}

static void build(void *ctx)
{
	struct wanted *w = ctx;
	struct page *p = w->answer.page;
	FILE *to = open_memstream(&w->answer.body, &w->answer.size);
	struct json_out j;

	if (to) {
		if (p->ticked + TICK_LEAST_MS <= now_ms())
			tick(p);
		json_begin(&j, to, false);
		json_object(&j, NULL);
		if (w->strip)
			write_strip(w, &j);
		else
			write_map(w, &j);
		page_whole(p, &j);
		json_end(&j);
		json_done(&j);
		fclose(to);
	}
	if (loop_post(p->relay->loop, on_built, w)) {
		free(w->answer.body);
		select_free(w->only);
		free(w);
	}
}

static bool number(struct http_ask *ask, const char *key, uint64_t *out)
{
	char text[24], *end;
	int n = http_query_value(ask, key, text, sizeof(text));

	if (n < 1)
		return n == -ENOENT || !n;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return !*end && *text >= '0' && *text <= '9' && !errno;
}

static bool read_only(struct http_ask *ask, struct wanted *w)
{
	char q[QUESTION_MOST] = "";
	struct complaint why = { 0 };
	int n = http_query_value(ask, "q", q, sizeof(q));

	if (n == -ENOSPC || n == -EINVAL) {
		page_refuse(ask, 400, n == -ENOSPC ? "the filter is too long" : "the filter is no text");
		return false;
	}
	if (n < 1 || !question_read(q, QUESTION_EDGES, &w->only, &why))
		return true;
	page_refuse(ask, 400, "%s", why.text);
	return false;
}

static bool read_wanted(struct http_ask *ask, struct wanted *w)
{
	uint64_t minutes = MINUTES_MOST, limit = 0;

	if (!number(ask, "from", &w->from) || !number(ask, "to", &w->to) || !number(ask, "limit", &limit) ||
	    !number(ask, "minutes", &minutes)) {
		page_refuse(ask, 400, "from, to (milliseconds since 1970), limit and minutes are numbers");
		return false;
	}
	if ((w->from || w->to) && w->from >= w->to) {
		page_refuse(ask, 400, "the window ends before it begins");
		return false;
	}
	w->limit = limit > MAP_MOST ? MAP_MOST : limit;
	w->minutes = minutes < 1 ? 1 : minutes > MINUTES_MOST ? MINUTES_MOST : minutes;
	if (http_query_value(ask, "focus", w->focus, sizeof(w->focus)) == -ENOSPC ||
	    http_query_value(ask, "expand", w->expand, sizeof(w->expand)) == -ENOSPC ||
	    http_query_value(ask, "fold", w->fold, sizeof(w->fold)) == -ENOSPC ||
	    http_query_value(ask, "keep", w->keep, sizeof(w->keep)) == -ENOSPC) {
		page_refuse(ask, 400, "focus, expand, fold or keep is too long");
		return false;
	}
	return w->strip || read_only(ask, w);
}

static void want(struct page *p, struct http_ask *ask, bool strip)
{
	struct wanted *w;

	w = calloc(1, sizeof(*w));
	if (!w || p->asking >= PAGE_ASKING) {
		free(w);
		page_refuse(ask, 503, "%u answers are under way already: ask again in a moment", p->asking);
		return;
	}
	w->strip = strip;
	w->answer.tagged = true;
	if (!read_wanted(ask, w)) {
		free(w);
		return;
	}
	page_later(&w->answer, p, ask);
	if (rpc_post(p->relay->rpc, build, w))
		on_built(w);
}

void page_map(void *page, struct http_ask *ask) { want(page, ask, false); }
void page_strip(void *page, struct http_ask *ask) { want(page, ask, true); }
