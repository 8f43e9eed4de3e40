// SPDX-License-Identifier: Apache-2.0
/*
 * Which flows count as live, and what is told of one whose end nobody saw: the real programs, their clock put forward, the
 * agent's reading half by hand.  Needs root.
 *	live OBJECT
 */
#include <stdio.h>
#include <time.h>

#include "lib/flow/summary.h"
#include "tests/check.h"
#include "tests/stream/stage.h"

#define FLOWS 10

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static unsigned int live_at_edges(const struct stage_agent *a)
{
	unsigned int n = 0;
	struct edge e;

	for (unsigned int i = 0; i < edges_end(a->edges); i++)
		n += edges_copy(a->edges, i, 0, &e) ? e.sums.live : 0;
	return n;
}

static void live_is(struct stage_agent *a, unsigned int want, const char *when)
{
	struct totals_counts counts;

	totals_whole(a->totals);
	totals_count(a->totals, &counts);
	CHECK_EQ(counts.live, want, "%s", when);
	CHECK_EQ(live_at_edges(a), want, "%s, at the edges", when);
}

/* Of the first FLOWS, those that had to give way to others.  Returns how many there were. */
static unsigned int ends_told(const struct stage_agent *a, unsigned int seconds, uint64_t began)
{
	uint64_t most = now_ns() - began + 1000000000ULL;	/* as long as all this took by the real clock */
	unsigned int told = 0, wrong = 0;
	struct record r, first;

	if (records_copy(a->records, 0, &first))
		return 0;
	for (uint64_t n = FLOWS; n < records_next(a->records); n++) {
		struct record_span s;

		if (records_copy(a->records, n, &r) || r.kind != WEIR_REC_CLOSED || r.src.w[1] != first.src.w[1] ||
		    r.sport >= first.sport + FLOWS)
			continue;
		s = record_span(&r);
		told++;
		wrong += s.at_least || s.ended || s.ns > most || s.idle < (seconds - 1) * 1000000000ULL ||
			 s.idle > seconds * 1000000000ULL + most;
	}
	CHECK_EQ(wrong, 0, "each says how long it was silent, and that it lasted no time itself");
	return told;
}

static void play(struct stage *s)
{
	struct weir_control *c = (struct weir_control *)s->dp->view.control;
	struct stage_agent a;
	uint64_t began = now_ns();

	CHECK_EQ(stage_agent(s, &a, false), 0, "an agent");
	stage_offer(s, FLOWS * 3, 0, 3);
	live_is(&a, FLOWS, "flows of a moment ago are live");
	c->later = c->hz * 20;
	live_is(&a, FLOWS, "so they are after some seconds");
	c->later = c->hz * 35;
	live_is(&a, 0, "after half a minute they only keep their slots");
	c->later = c->hz * 65;
	stage_offer(s, 64 * 60, 0, 3);
	totals_whole(a.totals);
	CHECK(ends_told(&a, 65, began) > 0, "who needs room takes that of one that was silent");
	c->later = 0;
	CHECK_EQ(stage_end(s, &a), 0, "the end");
	stage_free(&a);
}

int main(int argc, char **argv)
{
	struct complaint why = { 0 };
	struct stage s;
	char text[800];
	int err = argc == 2 ? stage_open(&s, argv[1], 64, &why) : -1;

	CHECK_EQ(err, 0, "%s", why.text[0] ? complaint_text(&why, text, sizeof(text)) : "the stage");
	if (err)
		return check_done();
	play(&s);
	stage_close(&s);
	return check_done();
}
