// SPDX-License-Identifier: Apache-2.0
/*
 * Soak: flows and denials offered to the real programs over 64 endpoints, through the real rings, and read: by the reader
 * that keeps up, by one that is twenty times too slow, by one that is killed in the middle and its successor.  Whatever
 * was offered was delivered, or counted as lost; and what is summed at the edges is what passed.
 *
 *	soak OBJECT [--seconds N]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "lib/opt.h"
#include "tests/check.h"
#include "tests/stream/stage.h"

#define BURST 8000
#define TOO_FAST 20

static struct {
	unsigned int seconds;
} want = { .seconds = 9 };

static const struct opt options[] = {
	OPT_UINT('s', "seconds", &want.seconds, "N", "in all"),
	OPT_END
};

static const char *object;
static atomic_bool stop;
static atomic_ullong offered;

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* As fast as it goes: openings of one packet, flows of three, and a tenth of denials. */
static void flood(struct stage *s, double seconds)
{
	double until = wall() + seconds;

	for (unsigned int i = 0; wall() < until; i++) {
		stage_offer(s, BURST, 10, i % 4 ? 1 : 3);
		offered += BURST;
	}
}

/* Everything that the programs did was told, or counted as lost. */
static void laws(const struct stage *s, const struct stage_sums *told, const char *what)
{
	struct weir_sum sum[WEIR_COUNTERS];
	uint64_t lost, offered;

	CHECK_EQ(datapath_counters(s->dp, sum), 0, "counters");
	lost = sum[WEIR_STAT_LOST_RECORDS].packets + sum[WEIR_STAT_LOST_DENIALS].packets;
	offered = sum[WEIR_STAT_INSERTED].packets + sum[WEIR_STAT_EVICTED].packets - sum[WEIR_STAT_SILENT].packets + *s->dropped -
		  sum[WEIR_STAT_REPEATED].packets;
	printf("%s: offered %llu records, delivered %llu, lost %llu; %llu packets passed, %llu of them told as lost; %llu dropped\n", what,
	       (unsigned long long)offered, (unsigned long long)told->records, (unsigned long long)lost, *s->passed,
	       (unsigned long long)told->lost_packets, *s->dropped);
	CHECK_EQ(told->records + lost, offered, "%s: records: offered = delivered + lost", what);
	CHECK_EQ(told->opened, sum[WEIR_STAT_INSERTED].packets, "%s: openings told, and told as lost = flows inserted", what);
	CHECK_EQ(told->lost_opened, sum[WEIR_STAT_LOST_OPENED].packets, "%s: lost openings", what);
	CHECK_EQ(told->packets, *s->passed, "%s: packets of all edges = packets that passed", what);
	CHECK_EQ(told->bytes, *s->passed_bytes, "%s: bytes of all edges = bytes that passed", what);
	CHECK_EQ(told->denied + stage_denied_pending(s), *s->dropped, "%s: packets denied", what);
}

static void keeps_up(struct stage *s, double seconds)
{
	struct stage_sums told = { 0 };
	struct stage_agent a;

	CHECK_EQ(stage_agent(s, &a, true), 0, "an agent");
	flood(s, seconds);
	CHECK_EQ(stage_end(s, &a), 0, "the end");
	stage_sums(&a, &told);
	laws(s, &told, "a reader that keeps up");
	CHECK(told.closed > 0, "some were closed");
	if (!losses_total(a.losses, LOSS_RING))
		CHECK_EQ(told.lost_packets, 0, "nothing lost: nothing told as lost");
	stage_free(&a);
}

/* Reads a batch, and waits until twenty times as much has been offered. */
static void *read_slowly(void *ctx)
{
	struct stage_agent *a = ctx;

	while (!stop) {
		if (records_next(a->records) * TOO_FAST < offered) {
			stage_read(a);
		} else {
			struct timespec t = { .tv_nsec = 200000 };

			nanosleep(&t, NULL);
		}
	}
	return NULL;
}

static void too_slow(struct stage *s, double seconds)
{
	struct stage_sums told = { 0 };
	struct stage_agent a;
	pthread_t reader;

	CHECK_EQ(stage_agent(s, &a, false), 0, "an agent");
	offered = 0;
	stop = false;
	pthread_create(&reader, NULL, read_slowly, &a);
	flood(s, seconds);
	stop = true;
	pthread_join(reader, NULL);
	CHECK_EQ(stage_end(s, &a), 0, "the end");
	stage_sums(&a, &told);
	laws(s, &told, "a reader twenty times too slow");
	CHECK(losses_total(a.losses, LOSS_RING) > 0, "records were lost on the way");
	CHECK(losses_total(a.losses, LOSS_DENIALS) > 0, "and denials");
	CHECK(told.lost_packets > 0, "and packets with them");
	stage_free(&a);
}

/* Notes and the ledger outlive an agent: what it told is not told again, what passed meanwhile is. */
static void killed(struct stage *s, double seconds)
{
	struct stage_sums told = { 0 };
	struct stage_agent first, second;
	struct loss loss;
	uint64_t cursor = 0, away = 0;

	CHECK_EQ(stage_agent(s, &first, true), 0, "an agent");
	flood(s, seconds / 3);
	stage_kill(&first);
	stage_sums(&first, &told);
	flood(s, seconds / 3);
	CHECK_EQ(stage_agent(s, &second, true), 0, "the next agent");
	flood(s, seconds / 3);
	CHECK_EQ(stage_end(s, &second), 0, "the end");
	stage_sums(&second, &told);
	laws(s, &told, "an agent killed, and the next");
	while (losses_next(second.losses, &cursor, &loss))
		away += loss.cpu < 0 ? loss.events : 0;
	CHECK(away > 0, "what was lost while none ran is told as such: %llu", (unsigned long long)away);
	stage_free(&first);
	stage_free(&second);
}

static void on_stage(void (*play)(struct stage *s, double seconds), double seconds, unsigned int buckets)
{
	struct complaint why = { 0 };
	struct stage s;
	char text[800];
	int err = stage_open(&s, object, buckets, &why);

	CHECK_EQ(err, 0, "%s", why.text[0] ? complaint_text(&why, text, sizeof(text)) : "the stage");
	if (err)
		return;
	s.totals_ms = 20;		/* often, so that it meets flows that come and go */
	play(&s, seconds);
	stage_close(&s);
}

int main(int argc, char **argv)
{
	struct complaint why = { 0 };

	if (argc < 2 || opt_parse(options, argc - 2, argv + 2, &why) != argc - 2) {
		fprintf(stderr, "usage: soak OBJECT [options]\n");
		opt_help(options, stderr);
		return 2;
	}
	object = argv[1];
	on_stage(keeps_up, want.seconds / 3.0, 4096);
	on_stage(too_slow, want.seconds / 3.0, 4096);
	on_stage(killed, want.seconds / 3.0, 4096);
	return check_done();
}
