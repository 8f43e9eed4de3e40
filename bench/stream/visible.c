// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs a packet of an established flow that somebody looks: the same pods and connections, by turns with the
 * agent's reader and its follower, and with nobody who reads anything.  The reader takes the table's totals every 500 ms,
 * ten times as often as an agent does, so that each slice has its share of that.
 *
 *	visible DIRECTORY
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/paths.h"
#include "bench/report.h"
#include "bench/talk.h"
#include "tests/stream/stage.h"

#define ROUNDS 25
#define SLICE 450e6		/* ns of CPU on each side of one round */
#define STEPS 8
#define WARM 5e6		/* before it, not timed: who starts a reader has other things in its caches */
#define SETTLE 200000		/* us: a reader's first reading of the table touches all its notes */
#define TOTALS_EVERY 500		/* ms */

static const struct { enum talk_mode mode; const char *name; } modes[] = { { TALK_RR, "rr" }, { TALK_PPS, "pps" } };

/* ns of CPU an operation; negative: it does not work */
static double run(struct talk *t, double ns)
{
	double began = cpu_ns(), now;
	long done = 0, failed = 0;

	do {
		for (int i = 0; i < STEPS; i++) {
			long n = talk_do(t);

			done += n;
			failed += !n;
		}
		now = cpu_ns();
	} while (now - began < ns && failed < 100);
	return failed < 100 && done ? (now - began) / done : -1;
}

static double slice(const struct path *p, struct talk *t)
{
	int back = netns_enter(path_pod(p, false));
	double v;

	run(t, WARM);
	v = run(t, SLICE);
	netns_leave(back);
	return v;
}

/* The same, with an agent's reader on the other CPU. */
static double slice_seen(struct stage *s, const struct path *p, struct talk *t, uint64_t *passes)
{
	struct reader_counts counts;
	struct stage_agent a;
	double v;

	pin_to(0);
	if (stage_agent(s, &a, true))
		return -1;
	pin_to(1);
	reader_wake(a.reader, true);
	usleep(SETTLE);
	v = slice(p, t);
	reader_count(a.reader, &counts);
	*passes += counts.totals.readings;
	stage_kill(&a);
	stage_free(&a);
	return v;
}

static int compare(struct report *r, struct stage *s, const struct path *p, unsigned int mode, bool six)
{
	double v[ROUNDS], off = 0, on = 0;
	uint64_t passes = 0;
	struct talk *t;
	char what[80];

	if (talk_open(&t, p, six, modes[mode].mode))
		return -1;
	for (int k = -1; k < ROUNDS && off >= 0 && on >= 0; k++) {
		bool first = k & 1;

		if (first)
			on = slice_seen(s, p, t, &passes);
		off = slice(p, t);
		if (!first)
			on = slice_seen(s, p, t, &passes);
		if (k >= 0)
			v[k] = on / off;
	}
	talk_close(t);
	if (off < 0 || on < 0)
		return -1;
	snprintf(what, sizeof(what), "established, %s %s", modes[mode].name, six ? "IPv6" : "IPv4");
	report_goal(r, what, "seen/unseen", v, ROUNDS, 1.02);
	report_fact(r, "  the table was read meanwhile", "%llu times", (unsigned long long)passes);
	return 0;
}

int main(int argc, char **argv)
{
	struct complaint why = { 0 };
	struct stage s = { .totals_ms = TOTALS_EVERY };
	static struct report r;
	struct path *p = NULL;
	char text[800];
	int err;

	if (argc != 2)
		return 2;
	pin_to(1);
	err = path_open(&p, PATH_WEIR, &why);
	if (err) {
		fprintf(stderr, "visible: %s\n", complaint_text(&why, text, sizeof(text)));
		return 2;
	}
	s.dp = path_datapath(p);
	report_begin(&r, "visible", "CPU time of both pods' thread, with a reader and a follower on the other CPU and without");
	for (int six = 0; six < 2 && !err; six++)
		for (unsigned int i = 0; i < 2 && !err; i++)
			err = compare(&r, &s, p, i, six);
	if (err)
		fprintf(stderr, "visible: traffic between the pods fails\n");
	path_close(p);
	return err || report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
