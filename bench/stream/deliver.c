// SPDX-License-Identifier: Apache-2.0
/*
 * Records delivered: 500,000 new flows a second for ten seconds, offered by test-run over 64 endpoints on one CPU while the
 * reader has the other; then denials at 50,000 a second; then how late a record is in the history at a calm rate.
 *
 *	deliver DIRECTORY OBJECT [SECONDS]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/report.h"
#include "tests/stream/stage.h"

#define FLOWS_A_SECOND 500000
#define DENIALS_A_SECOND 50000
#define CALM_A_SECOND 100000
#define AT_ONCE 4000			/* packets between two looks at the clock */
#define LATE_MOST 4000000

static struct stage stage;
static double late[LATE_MOST];		/* ms */
static unsigned int nlate;
static atomic_bool stop;

static void wait_until(double ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1e9) };

	t.tv_nsec = ns - t.tv_sec * 1e9;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

/* At a rate, or as near to it as this machine comes.  Returns the rate. */
static double offer(unsigned int rate, double seconds, unsigned int deny_every, unsigned int burst)
{
	double began = wall_ns(), sent = 0;

	while (sent < rate * seconds) {
		wait_until(began + sent / rate * 1e9);
		stage_offer(&stage, burst, deny_every, 1);
		sent += burst;
		if (wall_ns() - began > 2 * seconds * 1e9)
			break;
	}
	return sent / (wall_ns() - began) * 1e9;
}

/* The agent's thread inherits where it may run: the CPU that is not ours. */
static void begin_agent(struct stage_agent *a)
{
	pin_to(1);
	if (stage_agent(&stage, a, true))
		exit(2);
	pin_to(0);
}

static uint64_t stat_of(unsigned int what)
{
	struct weir_sum sum[WEIR_COUNTERS];

	return datapath_counters(stage.dp, sum) ? 0 : sum[what].packets;
}

/* From the kernel's event to the moment when the history has it, as a thread sees it that looks all the time. */
static void *watch(void *ctx)
{
	struct stage_agent *a = ctx;
	uint64_t at = records_next(a->records);
	struct record r;

	while (!stop) {
		struct timespec t;
		uint64_t now, next = records_next(a->records);

		if (at == next) {
			wait_until(wall_ns() + 200000);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &t);
		now = t.tv_sec * 1000000000ULL + t.tv_nsec;
		for (; at < next; at++)
			if (!records_copy(a->records, at, &r) && nlate < LATE_MOST)
				late[nlate++] = now > r.time ? (now - r.time) / 1e6 : 0;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void calm(struct report *r, double seconds)
{
	struct stage_agent a;
	pthread_t watcher;
	double p99;

	begin_agent(&a);
	stop = false;
	pthread_create(&watcher, NULL, watch, &a);
	offer(CALM_A_SECOND, seconds, 0, 100);
	wait_until(wall_ns() + 1e8);
	stop = true;
	pthread_join(watcher, NULL);
	qsort(late, nlate, sizeof(*late), by_value);
	p99 = nlate ? late[nlate - 1 - nlate / 100] : 1e9;
	report_goal(r, "kernel's event to history at 100,000/s, p99", "ms", &p99, 1, 25);
	report_fact(r, "  median, most", "%.1f ms, %.1f ms of %u", nlate ? late[nlate / 2] : 0, nlate ? late[nlate - 1] : 0, nlate);
	stage_free(&a);
}

static void flows(struct report *r, double seconds)
{
	uint64_t before = stat_of(WEIR_STAT_INSERTED), lost_before = stat_of(WEIR_STAT_LOST_OPENED), offered, lost;
	struct stage_sums told = { 0 };
	struct stage_agent a;
	double rate, missed;

	begin_agent(&a);
	rate = offer(FLOWS_A_SECOND, seconds, 0, AT_ONCE);
	if (stage_end(&stage, &a))
		exit(2);
	stage_sums(&a, &told);
	offered = stat_of(WEIR_STAT_INSERTED) - before;
	lost = stat_of(WEIR_STAT_LOST_OPENED) - lost_before;
	missed = 100.0 * lost / offered;
	report_fact(r, "new flows a second, offered", "%.0f for %.0f s", rate, seconds);
	rate = 100 - rate * 100 / FLOWS_A_SECOND;
	report_goal(r, "short of 500,000 offered", "%", &rate, 1, 2);
	report_goal(r, "of them not delivered", "%", &missed, 1, 1);
	missed = (double)told.opened - (double)offered;
	missed = missed < 0 ? -missed : missed;
	report_goal(r, "offered less delivered and counted as lost", "flows", &missed, 1, 0);
	stage_free(&a);
}

static void denials(struct report *r, double seconds)
{
	uint64_t lost_before = stat_of(WEIR_STAT_LOST_DENIALS), dropped = *stage.dropped;
	struct stage_agent a;
	double rate, lost;

	begin_agent(&a);
	rate = offer(DENIALS_A_SECOND, seconds, 1, AT_ONCE / 10);
	if (stage_end(&stage, &a))
		exit(2);
	lost = stat_of(WEIR_STAT_LOST_DENIALS) - lost_before;
	report_fact(r, "denials a second, offered", "%.0f, in all %llu", rate, (unsigned long long)(*stage.dropped - dropped));
	report_goal(r, "of them lost", "records", &lost, 1, 0);
	stage_free(&a);
}

/* Of all threads but this one, that is of the reader's: ns. */
static double others_cpu(void)
{
	struct rusage all, mine;

	getrusage(RUSAGE_SELF, &all);
	getrusage(RUSAGE_THREAD, &mine);
	return ((all.ru_utime.tv_sec + all.ru_stime.tv_sec - mine.ru_utime.tv_sec - mine.ru_stime.tv_sec) * 1e6 +
		all.ru_utime.tv_usec + all.ru_stime.tv_usec - mine.ru_utime.tv_usec - mine.ru_stime.tv_usec) * 1e3;
}

/* What the reader costs when nothing happens, and with somebody who follows at 10,000 flows a second. */
static void cost(struct report *r, double seconds)
{
	struct stage_agent a;
	double began, cpu, share;

	begin_agent(&a);
	wait_until(wall_ns() + 6e9);	/* past the first reading of the table, and a hundred looks in vain */
	began = wall_ns();
	cpu = others_cpu();
	wait_until(began + 10e9);	/* two readings of the table */
	share = (others_cpu() - cpu) / (wall_ns() - began) * 100;
	report_goal(r, "the reader, idle", "% of a core", &share, 1, 0.2);
	reader_wake(a.reader, true);
	began = wall_ns();
	cpu = others_cpu();
	offer(10000, seconds, 0, 100);
	share = (others_cpu() - cpu) / (wall_ns() - began) * 100;
	report_goal(r, "the reader at 10,000 flows/s, followed", "% of a core", &share, 1, 5);
	if (stage_end(&stage, &a))	/* what is in the rings is not the next one's */
		exit(2);
	stage_free(&a);
}

int main(int argc, char **argv)
{
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 10;
	struct complaint why = { 0 };
	static struct report r;
	char text[800];

	if (argc < 3)
		return 2;
	pin_to(0);
	if (stage_open(&stage, argv[2], WEIR_BUCKETS, &why)) {
		fprintf(stderr, "deliver: %s\n", complaint_text(&why, text, sizeof(text)));
		return 2;
	}
	report_begin(&r, "deliver", "new flows and denials by test-run over 64 endpoints, one CPU; the reader has the other");
	cost(&r, seconds / 3);		/* first: the table is empty yet */
	flows(&r, seconds);
	denials(&r, seconds / 3);
	calm(&r, seconds / 3);
	stage_close(&stage);
	return report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
