// SPDX-License-Identifier: Apache-2.0
/*
 * Established flows, then far more half-open ones than the table holds from another CPU, while the established ones go
 * on: none of their packets may be missed.  Then the table is full of confirmed flows, and a new one finds no room.
 *
 *	flood OBJECT [--established N] [--half-open N] [--buckets N]
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "lib/netns.h"
#include "lib/opt.h"
#include "tests/check.h"
#include "tests/hammer/loader.h"

#define FRAME 90
#define BATCH 1000

static struct {
	unsigned int established, half_open, buckets;
} want = { .established = 100000, .half_open = 1000000, .buckets = 65536 };

static const struct opt options[] = {
	OPT_UINT('e', "established", &want.established, "N", "flows that go on"),
	OPT_UINT('n', "half-open", &want.half_open, "N", "flows of the flood"),
	OPT_UINT('b', "buckets", &want.buckets, "N", "of seven slots each, a power of two"),
	OPT_END
};

static struct datapath *dp;
static struct flows *rings;
static unsigned int ifindex[2];
static atomic_bool stop;

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ns of CPU a packet */
static double go(const char *program, bool server, unsigned int n)
{
	struct __sk_buff skb = { .ifindex = ifindex[server] };
	double began = cpu_ns();
	char frame[FRAME] = { 0 };

	for (unsigned int left = n; left;) {
		unsigned int batch = left < BATCH ? left : BATCH;
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = FRAME, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = batch);

		if (bpf_prog_test_run_opts(loader_program(dp, program), &o)) {
			perror("flood: test-run");
			exit(1);
		}
		left -= batch;
		flows_drain(rings, 4 * BATCH);
	}
	return (cpu_ns() - began) / n;
}

static void *keep_on(void *arg)
{
	struct __sk_buff skb = { .ifindex = ifindex[0] };
	char frame[FRAME] = { 0 };

	pin(0);
	while (!stop) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = FRAME, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = BATCH);

		bpf_prog_test_run_opts(loader_program(dp, "known_random"), &o);
	}
	return NULL;
}

static void forget(void *ctx, const struct weir_record *r)
{
}

static bool says(unsigned int port, unsigned int *rule, bool flag)
{
	*rule = 100;
	return true;
}

static int world(void)
{
	struct netns *ns = NULL;
	char name[32];
	int err, back;

	snprintf(name, sizeof(name), "weir-flood-%d", getpid());
	err = netns_create(&ns, name) ?: netns_veth(ns, "a", ns, "b");
	loader_set(dp, 16, 16, says, true);
	for (unsigned int i = 0; i < 2 && !err; i++) {
		struct weir_addr a = { .byte = { [10] = 0xff, 0xff, 10, 0, 0, i + 1 } };

		ifindex[i] = netns_link_index(ns, i ? "b" : "a");
		loader_address(dp, 1 + i, a, i + 1);
		err = loader_pod(dp, i + 1, ifindex[i], true);
		loader_take(dp, i + 1, 16);
	}
	back = err ? err : netns_enter(ns);
	netns_close(ns);
	netns_delete(name);
	return back < 0 ? back : 0;
}

static __u64 reason_sum(unsigned int what)
{
	struct weir_sum sum[WEIR_COUNTERS] = { 0 };

	datapath_counters(dp, sum);
	return sum[what].packets;
}

/* A few at a time, so that none of them is half-open for long. */
static void establish(unsigned int n)
{
	static const char *const program[] = { "flow_opens", "flow_answers", "flow_confirms" };
	__u64 *walked = loader_variable(dp, "walked");

	*(__u32 *)loader_variable(dp, "established") = n;
	for (unsigned int base = 0; base < n; base += BATCH)
		for (int i = 0; i < 3; i++) {
			*walked = base;
			go(program[i], i == 1, n - base < BATCH ? n - base : BATCH);
			flows_drain(rings, ~0U);
		}
}

/* Half-open flows from everywhere, from the other CPU, while the established ones go on. */
static void flood_test(void)
{
	const __u64 *missed = loader_variable(dp, "missed"), *refused = loader_variable(dp, "refused");
	const __u64 *known = loader_variable(dp, "known_packets");
	double before, during, after;
	__u64 sent;
	pthread_t other;

	establish(want.established);
	CHECK_EQ(*refused, 0, "every flow was opened");
	before = go("known_random", false, 500000);
	CHECK_EQ(*missed, 0, "known before the flood");
	sent = *known;
	pthread_create(&other, NULL, keep_on, NULL);
	during = go("flood", false, want.half_open);
	stop = true;
	pthread_join(other, NULL);
	printf("%llu packets of %u established flows during a flood of %u, which cost %.0f ns each\n", *known - sent,
	       want.established, want.half_open, during);
	CHECK_EQ(*missed, 0, "known during the flood");
	after = go("known_random", false, 500000);
	*(__u64 *)loader_variable(dp, "walked") = 0;
	go("known_each", false, want.established);
	CHECK_EQ(*missed, 0, "known after the flood, each of them");
	printf("a known packet cost %.0f ns before, %.0f ns after; %llu of the flood were refused\n", before, after,
	       *(__u64 *)loader_variable(dp, "flood_refused"));
	CHECK_EQ(loader_audit(dp, 3, true), 0, "quotas and counts of places are true");
}

/* No victim among confirmed flows: what finds no room is dropped with its own reason. */
static void full_test(void)
{
	struct flow_table_use use;
	__u64 confirmed, no_room;

	establish(want.buckets * WEIR_WAYS * 5 / 4);
	flow_table_use(dp, &use);
	confirmed = use.phase[WEIR_CONFIRMED];
	no_room = reason_sum(WEIR_NO_ROOM);
	printf("full: %llu of %u slots confirmed, %llu packets found no room\n", confirmed, use.slots, no_room);
	CHECK(confirmed > use.slots * 9ULL / 10, "the table filled up");
	CHECK(no_room > 0, "somebody found no room");
	*(__u64 *)loader_variable(dp, "flooded") = 0;
	go("flood", false, 20000);
	flow_table_use(dp, &use);
	CHECK_EQ(use.phase[WEIR_CONFIRMED], confirmed, "new flows displaced no confirmed one");
	CHECK(reason_sum(WEIR_NO_ROOM) > no_room, "and were dropped for want of room");
	CHECK_EQ(loader_audit(dp, 3, true), 0, "quotas and counts of places are true");
}

static int open_table(const char *object, unsigned int buckets)
{
	static const char *const programs[] = { "flow_opens", "flow_answers", "flow_confirms", "known_random", "known_each",
						"flood", NULL };
	struct loader_options o = { .object = object, .buckets = buckets, .ring = 1 << 24, .silent_ends = true, .programs = programs };
	struct complaint why = { 0 };
	char text[800];
	int err = loader_open(&dp, &o, &why);

	if (!err)
		err = flows_open(&rings, dp, forget, NULL);
	if (!err)
		err = world();
	if (err)
		fprintf(stderr, "flood: %s\n", why.text[0] ? complaint_text(&why, text, sizeof(text)) : strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct complaint why = { 0 };

	if (argc < 2 || opt_parse(options, argc - 2, argv + 2, &why) != argc - 2) {
		fprintf(stderr, "usage: flood OBJECT [options]\n");
		opt_help(options, stderr);
		return 2;
	}
	pin(1);
	if (open_table(argv[1], want.buckets))
		return 2;
	flood_test();
	flows_close(rings);
	loader_close(dp);
	want.buckets = 4096;
	if (open_table(argv[1], want.buckets))
		return 2;
	full_test();
	flows_close(rings);
	loader_close(dp);
	return check_done();
}
