// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/datapath_inside.h"
#include "agent/sweep.h"
#include "bpf/weir.skel.h"
#include "lib/log.h"

#define EXPIRE_EACH_MS	4000
#define EXPIRE_AT_ONCE	(WEIR_ASKS * 16)	/* the rest has time until the next round */
#define BREATH_MS	5			/* for the reader, while a ring is half full or a mark not passed */
#define RULE_WORDS	(WEIR_RULES / (8 * sizeof(unsigned long)))

/* Somebody who waits for a sweep: a pod that left, or whoever wants to know the rules in use. */
struct waiter {
	struct waiter *next;
	unsigned int number;		/* endpoint, 0: rules */
	loop_fn swept;
	sweep_rules_fn rules;
	void *ctx;
};

/* A sweep goes through these in turn; who comes meanwhile takes the next one. */
enum stage { IDLE, GRACE, TABLE, RINGS };

struct sweep {
	struct loop *loop;		/* not ours */
	struct grace *grace;		/* not ours */
	struct datapath *dp;		/* not ours */
	struct flows *flows;		/* not ours */
	struct loop_timer expire, step;
	enum stage stage;
	struct waiter *next, *now;
	unsigned char left[WEIR_ENDPOINTS / 8];	/* the endpoints of this sweep */
	unsigned int at, found;		/* TABLE: the bucket where it goes on; slots seen in this pass */
	struct flows_mark mark;
	unsigned long rules[RULE_WORDS];
	struct weir_ask *ask;
	unsigned int nasks;
	struct sweep_counts counts;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int run(int prog)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	return bpf_prog_test_run_opts(prog, &o) ? -errno : (int)o.retval;
}

/* Gives the list to the program.  Returns how many slots it freed. */
static unsigned int asked(struct sweep *s)
{
	int freed;

	if (!s->nasks)
		return 0;
	if (s->nasks < WEIR_ASKS)
		s->ask[s->nasks].tag = 0;	/* the list's end */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	freed = run(s->dp->prog[PROG_EXPIRE]);
	s->counts.asked += s->nasks;
	s->nasks = 0;
	if (freed >= 0)
		return freed;
	log_err(freed, "cannot free flow slots");
	return 0;
}

static void ask(struct sweep *s, unsigned int bucket, int way, __u64 tag, enum weir_end why)
{
	s->ask[s->nasks++] = (struct weir_ask){ .bucket = bucket, .way = way, .why = why, .tag = tag };
}

/* Each slot that leaves takes 104 bytes of the ring: a list of them is 104 KiB. */
static bool ring_has_room(const struct sweep *s)
{
	struct flows_fill fill;

	flows_fill(s->flows, &fill);
	return fill.records < fill.records_size / 2;
}

static inline __u64 tag_at(const struct weir_bucket *b, int way)
{
	return __atomic_load_n(&b->tag[way], __ATOMIC_ACQUIRE);
}

static unsigned int expire_some(struct sweep *s)
{
	const struct weir_bucket *b = s->dp->view.bucket;
	struct weir_time now = datapath_time(s->dp);
	unsigned int freed = 0, wanted = 0;

	if (!now.hz)
		return 0;
	for (unsigned int i = 0; i < s->dp->view.buckets && wanted < EXPIRE_AT_ONCE; i++) {
		__builtin_prefetch(&b[i + 16]);
		for (int way = 0; way < WEIR_WAYS; way++) {
			__u64 tag = tag_at(&b[i], way);

			if (WEIR_TAG_PHASE(tag) <= WEIR_BUSY || !weir_expired(tag, &now))
				continue;
			ask(s, i, way, tag, WEIR_END_EXPIRED);
			wanted++;
		}
		if (s->nasks <= WEIR_ASKS - WEIR_WAYS)
			continue;
		freed += asked(s);
		if (!ring_has_room(s))
			break;
	}
	return freed + asked(s);
}

static void on_expire(void *ctx)
{
	struct sweep *s = ctx;
	double began = cpu_us();

	if (s->stage != TABLE && ring_has_room(s))
		s->counts.expired += expire_some(s);
	s->counts.rounds++;
	s->counts.last_us = cpu_us() - began;
	loop_after(s->loop, &s->expire, EXPIRE_EACH_MS, on_expire, s);
}

static bool has_left(const struct sweep *s, unsigned int number)
{
	return s->left[number / 8] >> (number % 8) & 1;
}

static void use_rule(struct sweep *s, unsigned int rule)
{
	s->rules[rule / (8 * sizeof(long))] |= 1UL << rule % (8 * sizeof(long));
}

/* A slot that names who left is asked for; of the others the rules are noted. */
static void sweep_slot(struct sweep *s, const struct weir_bucket *b, unsigned int i, int way)
{
	__u64 tag = tag_at(b, way), gate;

	if (WEIR_TAG_PHASE(tag) == WEIR_FREE)
		return;
	gate = __atomic_load_n(&b->hot[way].gate, __ATOMIC_RELAXED);
	if (has_left(s, WEIR_GATE_EP(gate, 0)) || has_left(s, WEIR_GATE_EP(gate, 1))) {
		s->found++;
		if (WEIR_TAG_PHASE(tag) != WEIR_BUSY)
			ask(s, i, way, tag, WEIR_END_LEFT);
	}
	use_rule(s, b->hot[way].rule[0]);
	use_rule(s, b->hot[way].rule[1]);
}

static void sweep_rings(void *ctx);
static void begin(struct sweep *s);

/* Pass over the table until one finds nothing: a slot that was in use at that moment keeps what was asked of it. */
static void sweep_table(void *ctx)
{
	struct sweep *s = ctx;
	const struct weir_bucket *b = s->dp->view.bucket;

	while (s->at < s->dp->view.buckets) {
		unsigned int i = s->at++;

		__builtin_prefetch(&b[i + 8]);
		for (int way = 0; way < WEIR_WAYS; way++)
			sweep_slot(s, &b[i], i, way);
		if (s->nasks <= WEIR_ASKS - WEIR_WAYS)
			continue;
		s->counts.left += asked(s);
		if (!ring_has_room(s)) {
			loop_after(s->loop, &s->step, BREATH_MS, sweep_table, s);
			return;
		}
	}
	s->counts.left += asked(s);
	if (s->found) {
		s->at = s->found = 0;
		memset(s->rules, 0, sizeof(s->rules));
		loop_after(s->loop, &s->step, 1, sweep_table, s);
		return;
	}
	s->stage = RINGS;
	flows_mark(s->flows, &s->mark);
	sweep_rings(s);
}

static void tell(struct sweep *s)
{
	struct waiter *w = s->now;

	s->now = NULL;
	while (w) {			/* whoever asks again from here waits for the next */
		struct waiter *next = w->next;

		if (w->rules)
			w->rules(w->ctx, s->rules);
		else
			w->swept(w->ctx);
		free(w);
		w = next;
	}
	s->stage = IDLE;
	if (s->next)
		begin(s);
}

static void sweep_rings(void *ctx)
{
	struct sweep *s = ctx;

	if (flows_passed(s->flows, &s->mark))
		tell(s);
	else
		loop_after(s->loop, &s->step, BREATH_MS, sweep_rings, s);
}

static void on_grace(void *ctx)
{
	struct sweep *s = ctx;

	s->stage = TABLE;
	s->at = s->found = 0;
	memset(s->rules, 0, sizeof(s->rules));
	sweep_table(s);
}

static void retry(void *ctx)
{
	struct sweep *s = ctx;

	s->stage = IDLE;
	begin(s);
}

static void begin(struct sweep *s)
{
	if (s->stage != IDLE)
		return;
	s->stage = GRACE;
	if (!s->now) {
		s->now = s->next;
		s->next = NULL;
		memset(s->left, 0, sizeof(s->left));
		for (struct waiter *w = s->now; w; w = w->next)
			if (!w->rules)
				s->left[w->number / 8] |= 1 << w->number % 8;
	}
	if (grace_after(s->grace, on_grace, s))
		loop_after(s->loop, &s->step, BREATH_MS, retry, s);
}

static int wait_for(struct sweep *s, struct waiter from)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = from;
	w->next = s->next;
	s->next = w;
	begin(s);
	return 0;
}

int sweep_left(struct sweep *s, unsigned int number, loop_fn swept, void *ctx)
{
	if (!number || number >= WEIR_ENDPOINT_NODE)
		return -EINVAL;
	return wait_for(s, (struct waiter){ .number = number, .swept = swept, .ctx = ctx });
}

int sweep_rules(struct sweep *s, sweep_rules_fn fn, void *ctx)
{
	return wait_for(s, (struct waiter){ .rules = fn, .ctx = ctx });
}

int sweep_open(struct sweep **out, struct loop *loop, struct grace *grace, struct datapath *dp, struct flows *flows)
{
	struct sweep *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->grace = grace;
	s->dp = dp;
	s->flows = flows;
	s->ask = held(dp, MAP_ASKED);
	loop_after(loop, &s->expire, EXPIRE_EACH_MS, on_expire, s);
	*out = s;
	return 0;
}

static void free_all(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;

		free(w);
		w = next;
	}
}

void sweep_close(struct sweep *s)
{
	if (!s)
		return;
	loop_cancel(s->loop, &s->expire);
	loop_cancel(s->loop, &s->step);
	free_all(s->now);
	free_all(s->next);
	free(s);
}

void sweep_count(const struct sweep *s, struct sweep_counts *out)
{
	*out = s->counts;
}
