// SPDX-License-Identifier: Apache-2.0
/*
 * The hammer: two CPUs send random packets of 64 flows through one build of the real programs, on a table of a few slots,
 * while this process expires slots, cuts and un-cuts flows by new generations, lets the clock jump, and reads the table
 * as the agent does.  What was sent must come out again, flow by flow; see tests/hammer/hammer.h for what may not happen.
 *
 *	hammer OBJECT [--seconds N] [--buckets N] [--stack] [--silent] [--quota N]
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "lib/netns.h"
#include "lib/opt.h"
#include "tests/hammer/hammer.h"
#include "tests/hammer/loader.h"

#define BATCH		64
#define SET_OPEN	16
#define SET_SHUT	64
#define SMALL		90	/* frames of the two CPUs; IP bytes are 14 fewer */
#define LARGE		122
#define CPUS_MAX	256
#define TWIN_LOOKS	4	/* at the table, a few ms, in which a twin must have been seen to */

static struct {
	unsigned int seconds, buckets, quota;
	bool stack, silent, help;
} want = { .seconds = 10, .buckets = 4 };

static const struct opt options[] = {
	OPT_UINT('t', "seconds", &want.seconds, "N", "how long"),
	OPT_UINT('b', "buckets", &want.buckets, "N", "of seven slots each, a power of two"),
	OPT_UINT('q', "quota", &want.quota, "N", "slots a pod may pay for, half of them half-open"),
	OPT_FLAG(0, "stack", &want.stack, "no redirect: both hooks judge, on whichever CPU"),
	OPT_FLAG(0, "silent", &want.silent, "half-open flows of one packet end without a record: totals only"),
	OPT_FLAG('h', "help", &want.help, "this page"),
	OPT_END
};

static struct datapath *dp;
static struct flows *rings;
static atomic_bool stop;
static unsigned int ifindex[ENDS];	/* [0]: the node's way out */
static atomic_ulong runs;

/* By flow; [0] client to server, [1] back. */
struct sums {
	__u64 packets[2], bytes[2];
};
static struct sums closed[FLOWS];
static unsigned long torn, records[8], twins_seen, twins_lasting, snapshots, asked;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Which flow has these ports, and does 'a' belong to its client?  -1: none has. */
static int flow_by_ports(__u16 a, __u16 b, bool *a_is_client)
{
	unsigned int x = ntohs(a), y = ntohs(b), i;

	*a_is_client = x >= CLIENT_PORT;
	i = (*a_is_client ? x : y) - CLIENT_PORT;
	return i < FLOWS && (*a_is_client ? y : x) == SERVER_PORT + PERMISSION(i) ? (int)i : -1;
}

static struct weir_addr end_address(unsigned int end, bool six)
{
	struct weir_addr a = { .byte = { [10] = 0xff, 0xff, 10, 0, 0, end + 1 } };

	return six ? (struct weir_addr){ .byte = { 0xfd, [15] = end + 1 } } : a;
}

static bool addresses_fit(unsigned int i, const struct weir_addr *client, const struct weir_addr *server)
{
	struct weir_addr c = end_address(CLIENT(i), IS_SIX(i)), s = end_address(SERVER(i), IS_SIX(i));

	return !memcmp(client, &c, sizeof(c)) && !memcmp(server, &s, sizeof(s));
}

static bool bytes_fit(__u64 packets, __u64 bytes)
{
	return bytes >= (SMALL - 14) * packets && bytes <= (LARGE - 14) * packets;
}

static bool rule_fits(unsigned int i, __u16 rule)
{
	return rule == RULE(i) || rule == WEIR_RULE_NONE || rule == WEIR_RULE_REMOTE;
}

static void on_record(void *ctx, const struct weir_record *r)
{
	bool from_client;
	int i = flow_by_ports(r->sport, r->dport, &from_client);

	records[r->kind & 7]++;
	if (i < 0 || !addresses_fit(i, from_client ? &r->src : &r->dst, from_client ? &r->dst : &r->src)) {
		torn++;
		return;
	}
	if (r->kind != WEIR_REC_CLOSED)
		return;
	for (int d = 0; d < 2; d++) {
		int back = d ^ !from_client;

		torn += !bytes_fit(r->total.packets[d], r->total.bytes[d]);
		closed[i].packets[back] += r->total.packets[d];
		closed[i].bytes[back] += r->total.bytes[d];
	}
}

/* One look at the whole table, as the agent's reader takes it. */
struct look {
	struct sums live[FLOWS];
	unsigned int times[FLOWS], held;
	bool ask;
	unsigned int asks;
	__u32 random;
};

static __u32 next_random(struct look *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 17;
	return l->random ^= l->random << 5;
}

static int on_flow(void *ctx, const struct flow_snapshot *s)
{
	struct look *l = ctx;
	bool client_first;
	int i = flow_by_ports(s->port[0], s->port[1], &client_first);
	unsigned int c = !client_first;

	snapshots++;
	if (i < 0 || !addresses_fit(i, &s->addr[c], &s->addr[!c]) || s->endpoint[c] != CLIENT(i) || s->endpoint[!c] != SERVER(i) ||
	    !rule_fits(i, s->rule[0]) || !rule_fits(i, s->rule[1]) || !bytes_fit(s->packets[0], s->bytes[0]) ||
	    !bytes_fit(s->packets[1], s->bytes[1])) {
		if (torn++ < 5)
			printf("torn: flow %d tag %llx gate %llx rules %u %u packets %llu %llu bytes %llu %llu\n", i, s->tag, s->gate,
			       s->rule[0], s->rule[1], s->packets[0], s->packets[1], s->bytes[0], s->bytes[1]);
		return 0;
	}
	l->times[i]++;
	for (int d = 0; d < 2; d++) {
		l->live[i].packets[d] += s->packets[c ^ d];
		l->live[i].bytes[d] += s->bytes[c ^ d];
	}
	if (l->ask && l->asks < WEIR_ASKS - 1 && !(next_random(l) & 15)) {
		struct weir_ask *ask = held(dp, MAP_ASKED);

		ask[l->asks++] = (struct weir_ask){ .bucket = s->slot / 8, .way = s->slot % 8, .why = WEIR_END_EXPIRED, .tag = s->tag };
	}
	return 0;
}

static void run_once(int program)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	bpf_prog_test_run_opts(program, &o);
}

static void look(struct look *l)
{
	memset(l, 0, offsetof(struct look, random));
	l->ask = true;
	flow_table_each(dp, on_flow, l, NULL);
	for (int i = 0; i < FLOWS; i++) {
		static unsigned int looks[FLOWS];

		twins_seen += l->times[i] > 1;
		looks[i] = l->times[i] > 1 ? looks[i] + 1 : 0;
		twins_lasting += looks[i] == TWIN_LOOKS;
	}
	if (!l->asks)
		return;
	((struct weir_ask *)held(dp, MAP_ASKED))[l->asks].tag = 0;
	run_once(loader_program(dp, "expire"));
	asked += l->asks;
}

/* Ports: class NEVER is denied, class SOMETIMES as 'open' says, all other traffic too is nobody's. */
static bool says(unsigned int port, unsigned int *rule, bool open)
{
	unsigned int class;

	if (port >= SERVER_PORT && port < SERVER_PORT + CLASSES)
		class = port - SERVER_PORT;
	else if (port >= CLIENT_PORT && port < CLIENT_PORT + FLOWS)
		class = PERMISSION(port - CLIENT_PORT);
	else
		return false;
	*rule = 100 + class;
	return class > SOMETIMES || (class == SOMETIMES && open);
}

/* A new generation; every other one cuts the flows of class SOMETIMES or lets them live again. */
static void new_generation(unsigned long n, volatile __u64 *epoch, volatile __u32 *allowed)
{
	if (n & 1) {
		datapath_raise(dp);
		return;
	}
	__atomic_fetch_add(epoch, 1, __ATOMIC_SEQ_CST);
	for (unsigned int end = 1; end < ENDS; end++)
		loader_take(dp, end, n & 2 ? SET_OPEN : SET_SHUT);
	datapath_raise(dp);
	*allowed = !!(n & 2);
	__atomic_fetch_add(epoch, 1, __ATOMIC_SEQ_CST);
}

static void *sender(void *arg)
{
	long cpu = (long)arg;
	unsigned int random = cpu * 7919 + 1, size = cpu ? LARGE : SMALL;
	int program[] = { loader_program(dp, "hammer_from"), loader_program(dp, "hammer_to") };
	char frame[LARGE] = { 0 };
	struct flows_fill fill;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!stop) {
		unsigned int from = rand_r(&random) % ENDS, to = (from + 1 + rand_r(&random) % (ENDS - 1)) % ENDS, to_pod;

		flows_fill(rings, &fill);
		if (fill.records > fill.records_size / 2) {
			usleep(100);
			continue;
		}
		to_pod = !to ? 0 : !from ? 1 : want.stack && rand_r(&random) & 1;
		struct __sk_buff skb = { .ifindex = to_pod ? ifindex[to] : ifindex[from],
					 .ingress_ifindex = to_pod ? ifindex[from] : 0, .mark = MARK(from, to, to_pod) };
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = size, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = BATCH);

		if (bpf_prog_test_run_opts(program[to_pod], &o)) {
			perror("hammer: test-run");
			exit(1);
		}
		runs += BATCH;
	}
	return NULL;
}

static void *reader(void *arg)
{
	while (!stop) {
		flows_drain(rings, 1 << 20);
		usleep(200);
	}
	return NULL;
}

static void disturb(void)
{
	volatile __u64 *epoch = loader_variable(dp, "epoch");
	volatile __u32 *allowed = loader_variable(dp, "allowed_now");
	double end = now_s() + want.seconds;
	static struct look l = { .random = 1 };

	for (unsigned long n = 1; now_s() < end; n++) {
		look(&l);
		if (!(n & 7))
			new_generation(n / 8, epoch, allowed);
		if (!(n & 255))			/* half-open and ended flows are over */
			control_of(dp)->later += 70 * control_of(dp)->hz;
		if (!(n & 3))
			usleep(1000);
	}
}

static int world(void)
{
	struct netns *ns = NULL;
	char name[32];
	int err, back = -1;

	snprintf(name, sizeof(name), "weir-hammer-%d", getpid());
	err = netns_create(&ns, name);
	for (unsigned int end = 0; end < ENDS && !err; end++) {
		char a[8], b[8];

		snprintf(a, sizeof(a), "h%u", end);
		snprintf(b, sizeof(b), "p%u", end);
		err = netns_veth(ns, a, ns, b);
		ifindex[end] = err ? 0 : netns_link_index(ns, a);
		for (int six = 0; six < 2 && !err; six++)
			loader_address(dp, 1 + end * 2 + six, end_address(end, six), end);
		if (end && !err)
			err = loader_pod(dp, end, ifindex[end], !want.stack);
		if (end)
			loader_take(dp, end, SET_OPEN);
	}
	loader_set(dp, SET_OPEN, 16, says, true);
	loader_set(dp, SET_SHUT, 2048, says, false);
	if (!err)
		back = netns_enter(ns);		/* and we stay: the name goes, the namespace with this process */
	netns_close(ns);
	netns_delete(name);
	return err ?: back < 0 ? back : 0;
}

static __u64 fault_sum(bool speak)
{
	static const char *const text[] = {
#define X(id, words) words,
		HAMMER_FAULTS(X)
#undef X
	};
	const __u64 *n = loader_variable(dp, "faults");
	__u64 sum = 0;

	for (int i = 0; i < FAULT_KINDS; i++) {
		if (n[i] && speak)
			printf("%llu %s\n", n[i], text[i]);
		sum += n[i];
	}
	return sum;
}

static unsigned int held_slots(void)
{
	unsigned int n = 0;

	for (unsigned int b = 0; b < dp->view.buckets; b++)
		for (int way = 0; way < WEIR_WAYS; way++)
			n += WEIR_TAG_PHASE(dp->view.bucket[b].tag[way]) == WEIR_BUSY || (dp->view.bucket[b].tag[way] & WEIR_TAG_LOCK);
	return n;
}

static struct sums sent_of(unsigned int flow, __u64 *passed)
{
	static struct hammer_sent v[CPUS_MAX];
	struct sums s = { 0 };
	int cpus = libbpf_num_possible_cpus();

	bpf_map_lookup_elem(loader_map(dp, "sent"), &flow, v);
	for (int c = 0; c < cpus && c < CPUS_MAX; c++) {
		*passed += v[c].passed;
		for (int d = 0; d < 2; d++) {
			s.packets[d] += v[c].packets[d];
			s.bytes[d] += v[c].bytes[d];
		}
	}
	return s;
}

/* Flow by flow: what was sent is in the table or left it.  Returns how many flows and sides differ. */
static unsigned int compare(const struct look *l, __u64 *sent, __u64 *found, __u64 *passed)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < FLOWS; i++) {
		struct sums s = sent_of(i, passed);

		for (int d = 0; d < 2; d++) {
			__u64 packets = closed[i].packets[d] + l->live[i].packets[d], bytes = closed[i].bytes[d] + l->live[i].bytes[d];

			*sent += s.packets[d];
			*found += packets;
			if (s.packets[d] == packets && s.bytes[d] == bytes)
				continue;
			if (!want.silent && bad < 5)
				printf("flow %u %s: sent %llu packets %llu bytes, found %llu %llu\n", i, d ? "back" : "there",
				       s.packets[d], s.bytes[d], packets, bytes);
			bad++;
		}
	}
	return bad;
}

static bool verdict(void)
{
	static const struct { const char *name; enum weir_stat stat; } tell[] = {
		{ "opened", WEIR_STAT_INSERTED }, { "evicted", WEIR_STAT_EVICTED }, { "merged", WEIR_STAT_MERGED },
		{ "retried", WEIR_STAT_RETRIED }, { "moved", WEIR_STAT_MOVED }, { "judged again", WEIR_STAT_REJUDGED },
		{ "cut", WEIR_STAT_CUT_FLOWS },
	};
	struct weir_sum sum[WEIR_COUNTERS] = { 0 };
	__u64 sent = 0, found = 0, passed = 0, apart, astray;
	static struct look l;
	unsigned int sides, twins = 0, bad;
	bool ok;

	flows_drain(rings, ~0U);
	flow_table_each(dp, on_flow, &l, NULL);
	datapath_counters(dp, sum);
	sides = compare(&l, &sent, &found, &passed);
	for (int i = 0; i < FLOWS; i++)
		twins += l.times[i] > 1;
	printf("%lu packets, %llu passed;", (unsigned long)runs, passed);
	for (unsigned int i = 0; i < sizeof(tell) / sizeof(*tell); i++)
		printf(" %s %llu", tell[i].name, sum[tell[i].stat].packets);
	printf("\n%lu snapshots, %lu asked to expire, %lu times a twin was seen; records: %lu opened, %lu again, %lu denied, %lu closed\n",
	       snapshots, asked, twins_seen, records[WEIR_REC_OPENED], records[WEIR_REC_AGAIN], records[WEIR_REC_DENIED],
	       records[WEIR_REC_CLOSED]);
	apart = sum[WEIR_STAT_STRAY].packets + sum[WEIR_STAT_SILENT].packets + sum[WEIR_STAT_LOST_CLOSED].packets;
	printf("sent %llu = found %llu + apart %llu (stray, silent, lost): difference %lld; flows and sides that differ %u\n", sent, found,
	       apart, (long long)(sent - found - apart), sides);
	astray = sum[WEIR_WRONG_WAY].packets + sum[WEIR_SPOOFED].packets + sum[WEIR_UNARMED].packets + sum[WEIR_NO_ROW].packets;
	bad = loader_audit(dp, ENDS, true);
	printf("torn %lu, twins left %u, lasting %lu, slots left held %u, quotas and counts of places that lie %u, dropped for an end that was right %llu\n",
	       torn, twins, twins_lasting, held_slots(), bad, astray);
	ok = sent == found + apart && (want.silent || apart || !sides) && !fault_sum(true) && !torn && !twins && !twins_lasting && !held_slots() && !bad && !astray;
	printf("%s\n", passed < 1000 ? "IDLE: next to nothing passed" : ok ? "sound" : "BROKEN");
	return ok && passed >= 1000;
}

int main(int argc, char **argv)
{
	static const char *const programs[] = { "hammer_from", "hammer_to", "expire", NULL };
	struct complaint why = { 0 };
	pthread_t thread[3];
	char text[800];
	int n = argc > 1 ? opt_parse(options, argc - 2, argv + 2, &why) : -1, err;

	if (n != argc - 2 || want.help) {
		fprintf(stderr, "usage: hammer OBJECT [options]\n%s\n", n < 0 ? complaint_text(&why, text, sizeof(text)) : "");
		opt_help(options, stderr);
		return 2;
	}
	err = loader_open(&dp, &(struct loader_options){ .object = argv[1], .buckets = want.buckets, .ring = 1 << 26,
			  .quota = want.quota, .quota_half = want.quota / 2, .silent_ends = want.silent, .programs = programs }, &why);
	if (!err)
		err = flows_open(&rings, dp, on_record, NULL);
	if (!err)
		err = world();
	if (err) {
		fprintf(stderr, "hammer: %s\n", why.text[0] ? complaint_text(&why, text, sizeof(text)) : strerror(-err));
		return 2;
	}
	for (long i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, sender, (void *)i);
	pthread_create(&thread[2], NULL, reader, NULL);
	disturb();
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	n = verdict() ? 0 : 1;
	flows_close(rings);
	loader_close(dp);
	return n;
}
