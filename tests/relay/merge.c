// SPDX-License-Identifier: Apache-2.0
// The merge by itself, under a clock of its own: a table of cases, then many nodes at random against an obvious sort.
#include <stdlib.h>

#include "relay/merge.h"
#include "tests/check.h"

#define T0 (1700000000ULL * 1000000000)		/* real time when the clock says 0 */
#define MS MERGE_MS

/* What a case does, step by step.  Times in milliseconds of the case; 'node' is 'a', 'b' or 'c'. */
enum deed { D_END, D_FLOW, D_MARK, D_GONE, D_ASKED, D_GET, D_WAIT, D_IDLE, D_DONE };
struct step {
	enum deed deed;
	unsigned int at;		/* the clock */
	char node;
	int time;			/* the flow's or the mark's; WAIT: look again at */
};
struct nodes {
	const char *foreign;		/* those that know no marks */
	bool past;			/* nothing is known of their beginning */
	int shift_b;			/* the clock of b is corrected by so much */
};
struct story {
	const char *text;
	struct nodes nodes;
	struct step step[24];
};

#define FLOW(at, node, time)	{ D_FLOW, at, node, time }
#define MARK(at, node, time)	{ D_MARK, at, node, time }
#define GET(at, node, time)	{ D_GET, at, node, time }
#define WAIT(at, until)		{ D_WAIT, at, 0, until }
#define GONE(at, node)		{ D_GONE, at, node, 0 }
#define ASKED(at, node)		{ D_ASKED, at, node, 0 }
#define IDLE(at)		{ D_IDLE, at, 0, 0 }
#define DONE(at)		{ D_DONE, at, 0, 0 }

static const struct story stories[] = {
	{ "one node: what comes goes at once", { "bc", false, 0 },
	  { GONE(0, 'b'), GONE(0, 'c'), FLOW(1, 'a', 1), GET(1, 'a', 1), IDLE(1), GONE(2, 'a'),
	    DONE(2) } },
	{ "two nodes that speak: by time, not by arrival", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(5, 'a', 4), FLOW(5, 'b', 2), GET(5, 'b', 2), WAIT(5, 55),
	    FLOW(6, 'b', 5), GET(6, 'a', 4) } },
	{ "a silent node is asked at once, and its mark lets go", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 499), WAIT(500, 550), ASKED(500, 'b'),
	    MARK(501, 'b', 500), GET(501, 'a', 499), IDLE(501) } },
	{ "a mark that is too early is asked for again, soon", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 499), WAIT(500, 550), ASKED(500, 'b'),
	    MARK(501, 'b', 490), WAIT(501, 505), WAIT(505, 550), ASKED(505, 'b'),
	    MARK(506, 'b', 499), GET(506, 'a', 499) } },
	{ "who does not answer is waited for 50 ms, once", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 499), WAIT(500, 550), ASKED(500, 'b'),
	    GET(550, 'a', 499), FLOW(560, 'a', 559), GET(560, 'a', 559) } },
	{ "and again when it has caught up", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 499), WAIT(500, 550), GET(550, 'a', 499), FLOW(560, 'b', 559),
	    WAIT(560, 610), ASKED(560, 'a'), ASKED(560, 'b'), FLOW(561, 'a', 561), GET(561, 'b', 559), WAIT(561, 611) } },
	{ "a foreign node is waited for by arrival, each time", { "b", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 499), WAIT(500, 550), FLOW(520, 'a', 519), WAIT(520, 550),
	    GET(550, 'a', 499), WAIT(550, 570), FLOW(560, 'b', 510), GET(560, 'b', 510),
	    WAIT(570, 610), GET(610, 'a', 519), IDLE(610) } },
	{ "one that speaks all the time is not asked at once", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(440, 'b', 440), FLOW(440, 'a', 440), GET(440, 0, 440), GET(440, 0, 440), FLOW(500, 'b', 500),
	    FLOW(500, 'a', 500), GET(500, 0, 500), GET(500, 0, 500), FLOW(510, 'a', 510), WAIT(510, 545), WAIT(545, 560),
	    ASKED(545, 'b') } },
	{ "one that speaks, but of long ago, is waited for, but not for ever", { "b", false, 0 },
	  { GONE(0, 'c'), FLOW(1000, 'a', 999), WAIT(1000, 1050), FLOW(1040, 'b', 100), GET(1040, 'b', 100), WAIT(1040, 1090),
	    FLOW(1080, 'b', 110), GET(1080, 'b', 110), WAIT(1080, 1130), FLOW(1120, 'b', 120), GET(1120, 'b', 120),
	    FLOW(1160, 'b', 130), GET(1160, 'b', 130), FLOW(1480, 'b', 200), GET(1480, 'b', 200), WAIT(1480, 1500),
	    GET(1500, 'a', 999), FLOW(1510, 'a', 1509), GET(1510, 'a', 1509) } },
	{ "the future is put in order as of now", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'a', 9999), WAIT(500, 550), ASKED(500, 'b'), MARK(501, 'b', 501),
	    GET(501, 'a', 500), FLOW(502, 'b', 502), WAIT(502, 552) } },
	{ "a clock that is off by seconds is corrected", { "", false, -5000 },
	  { GONE(0, 'c'), FLOW(500, 'b', -4510), FLOW(500, 'a', 480), GET(500, 'a', 480), FLOW(501, 'a', 495),
	    GET(501, 'b', 490) } },
	{ "times that go backwards hold up nobody", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(500, 'b', 500), FLOW(500, 'b', 100), FLOW(501, 'a', 501), GET(501, 'b', 500),
	    GET(501, 'b', 100), WAIT(501, 551) } },
	{ "history: time to look through it", { "", true, 0 },
	  { GONE(0, 'c'), FLOW(10, 'a', -5000), WAIT(10, 60), ASKED(10, 'b'), WAIT(300, 350),
	    FLOW(400, 'b', -6000), GET(400, 'b', -6000), WAIT(400, 450), GONE(401, 'b'),
	    GET(401, 'a', -5000), GONE(402, 'a'), DONE(402) } },
	{ "history: but not for ever", { "ab", true, 0 },
	  { GONE(0, 'c'), FLOW(10, 'a', -5000), WAIT(10, 2010), GET(2010, 'a', -5000) } },
	{ "who has ended keeps what was queued", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(10, 'a', 10), GONE(11, 'a'), WAIT(11, 60), MARK(12, 'b', 12),
	    GET(12, 'a', 10), GONE(13, 'b'), DONE(13) } },
	{ "equal times: all go", { "", false, 0 },
	  { GONE(0, 'c'), FLOW(10, 'a', 10), FLOW(10, 'b', 10), MARK(11, 'b', 10), GET(11, 0, 10),
	    GET(11, 0, 10), IDLE(11) } },
	{ "no node at all", { "", false, 0 }, { GONE(0, 'a'), GONE(0, 'b'), GONE(0, 'c'), DONE(0) } },
};

static struct merge_now clock_at(unsigned int ms)
{
	return (struct merge_now){ T0 + ms * MS, 1000 * MS + ms * MS };	/* mono is never 0 */
}

static void step(struct merge *m, struct merge_source **node, const struct step *s, const char *text)
{
	struct merge_now now = clock_at(s->at);
	struct merge_message what = { .time = T0 + (int64_t)s->time * (int64_t)MS, .data = &s->node, .size = 1 };
	struct merge_source *me = node[s->node ? s->node - 'a' : 0];
	struct merge_item item = { 0 };
	uint64_t wake = 0;
	const char *ctx;
	enum merge_next next;

	switch (s->deed) {
	case D_FLOW: CHECK(merge_push(m, me, &what, &now), "%s: room", text); return;
	case D_MARK: merge_mark(m, me, what.time, &now); return;
	case D_GONE: merge_end(m, me); return;
	case D_ASKED:
		ctx = merge_ask(m);
		CHECK(ctx && *ctx == s->node, "%s: at %u %c is asked", text, s->at, s->node);
		return;
	default: break;
	}
	next = merge_next(m, &now, &item, &wake);
	CHECK_EQ(next, s->deed == D_GET ? MERGE_ITEM : s->deed == D_WAIT ? MERGE_WAIT : s->deed == D_IDLE ? MERGE_IDLE : MERGE_DONE,
		 "%s: at %u", text, s->at);
	if (s->deed == D_WAIT && next == MERGE_WAIT)
		CHECK_EQ(wake / MS - 1000, s->time, "%s: at %u", text, s->at);
	if (s->deed != D_GET || next != MERGE_ITEM)
		return;
	CHECK_EQ((long long)(item.time - T0) / (long long)MS, s->time, "%s: at %u", text, s->at);
	CHECK(!s->node || *item.data == s->node, "%s: at %u from %c", text, s->at, s->node);
}

static void tell(const struct story *s)
{
	static const char names[] = "abc";
	struct merge_counts counts[3] = { 0 };
	struct merge_source *node[3];
	struct merge *m;

	if (merge_new(&m, s->nodes.past ? UINT64_MAX : T0))
		return;
	for (int i = 0; i < 3; i++)
		node[i] = merge_add(m, &(struct merge_node){
			.from = s->nodes.past ? 0 : T0, .shift = i == 1 ? s->nodes.shift_b * (int64_t)MS : 0,
			.marks = !strchr(s->nodes.foreign, names[i]), .counts = &counts[i], .ctx = (void *)&names[i] });
	for (const struct step *t = s->step; t->deed != D_END; t++)
		step(m, node, t, s->text);
	merge_free(m);
}

/* --- Many nodes at random. --- */

#define NODES 20

struct flow {				/* on its way */
	uint64_t time, arrives;		/* mono */
	unsigned int node, number;
};
struct sim {
	struct merge *m;
	unsigned int nodes, flows;
	struct merge_source *source[NODES];
	struct merge_counts counts[NODES];
	unsigned int id[NODES];
	struct flow *flow;		/* by arrival */
	uint64_t mark_time[NODES], mark_arrives[NODES];	/* 0: none under way */
	uint64_t delay[NODES];		/* of the network */
	bool foreign[NODES];
	unsigned int next[NODES];	/* number expected */
	uint64_t last, worst;		/* time that went out; latency */
	unsigned int out, disorder;
};

static int by_arrival(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->arrives != y->arrives)
		return x->arrives < y->arrives ? -1 : 1;
	return x->node != y->node ? (int)x->node - (int)y->node : (int)x->number - (int)y->number;
}

/* Flows of a node: bursts and pauses; what arrives keeps the node's order. */
static void sim_flows(struct sim *s, unsigned int node, unsigned int n, uint64_t span)
{
	static unsigned int number;
	uint64_t t = 0, arrived = 0;

	number = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct flow *f = &s->flow[s->flows++];
		uint64_t gap = rand() % 4 ? rand() % (span / n) : rand() % (4 * span / n + 1);

		t += gap + 1;
		f->time = t;
		f->arrives = t + s->delay[node] + rand() % (2 * MS);
		if (f->arrives < arrived)
			f->arrives = arrived;
		arrived = f->arrives;
		f->node = node;
		f->number = number++;
	}
}

static void sim_take(struct sim *s, uint64_t now)
{
	struct merge_item item;
	struct merge_now clock = { T0 + now, 1000 * MS + now };
	uint64_t wake;
	void *ctx;

	while (merge_next(s->m, &clock, &item, &wake) == MERGE_ITEM) {
		struct flow f;

		memcpy(&f, item.data, sizeof(f));
		CHECK_EQ(f.number, s->next[f.node], "node %u goes on where it was", f.node);
		s->next[f.node] = f.number + 1;
		s->disorder += f.time < s->last;
		s->last = f.time > s->last ? f.time : s->last;
		if (now - f.arrives > s->worst)
			s->worst = now - f.arrives;
		s->out++;
	}
	while ((ctx = merge_ask(s->m))) {
		unsigned int id = *(unsigned int *)ctx;

		if (s->mark_arrives[id])
			continue;
		s->mark_time[id] = now + s->delay[id];		/* what it says when the question is there */
		s->mark_arrives[id] = now + 2 * s->delay[id] + 2 * MS;
	}
	while (merge_resume(s->m))
		;
}

static void sim_run(struct sim *s)
{
	unsigned int at = 0;

	for (uint64_t now = 0; s->out < s->flows && now < 600000 * MS; now += MS / 2) {
		struct merge_now clock = { T0 + now, 1000 * MS + now };

		for (; at < s->flows && s->flow[at].arrives <= now; at++) {
			struct flow *f = &s->flow[at];

			merge_push(s->m, s->source[f->node], &(struct merge_message){ .time = T0 + f->time, .data = f,
				   .size = sizeof(*f) }, &clock);
		}
		for (unsigned int i = 0; i < s->nodes; i++) {
			if (!s->mark_arrives[i] || s->mark_arrives[i] > now)
				continue;
			/* behind all that was sent before */
			merge_mark(s->m, s->source[i], T0 + s->mark_time[i], &clock);
			s->mark_arrives[i] = 0;
		}
		sim_take(s, now);
	}
}

/* 'most' of delay; 'foreign' of the nodes know no marks; flows of a node come every 'every' or so. */
static void random_nodes(unsigned int seed, unsigned int nodes, unsigned int flows, uint64_t delay, uint64_t every,
			 bool foreign)
{
	struct sim s = { .nodes = nodes };
	uint64_t late = 0;

	srand(seed);
	s.flow = calloc(nodes * flows, sizeof(*s.flow));
	if (!s.flow || merge_new(&s.m, T0))
		abort();
	for (unsigned int i = 0; i < nodes; i++) {
		s.id[i] = i;
		s.delay[i] = rand() % (delay + 1);
		s.foreign[i] = foreign && rand() % 2;
		s.source[i] = merge_add(s.m, &(struct merge_node){ .from = T0, .marks = !s.foreign[i],
					.counts = &s.counts[i], .ctx = &s.id[i] });
		sim_flows(&s, i, i ? flows : flows / 10, (uint64_t)flows * every);
	}
	qsort(s.flow, s.flows, sizeof(*s.flow), by_arrival);
	sim_run(&s);
	for (unsigned int i = 0; i < nodes; i++)
		late += s.counts[i].late;
	CHECK_EQ(s.out, s.flows, "seed %u: nothing lost, nothing doubled", seed);
	CHECK_EQ(s.disorder, 0, "seed %u: in order", seed);
	CHECK_EQ(late, s.disorder, "seed %u: what is late is counted", seed);
	/* what goes before it may have come so much later */
	CHECK(s.worst <= MERGE_PATIENCE + delay + 3 * MS, "seed %u: waited %.1f ms", seed, s.worst / 1e6);
	CHECK_EQ(merge_bytes(s.m), 0, "seed %u: nothing is left", seed);
	merge_free(s.m);
	free(s.flow);
}

/* One node fills its queue while another says nothing: its reading is paused, then goes on; nothing is lost. */
static void full(bool foreign)
{
	struct merge_counts counts[2] = { 0 };
	struct merge_source *a, *b;
	struct merge_item item;
	struct merge_now now = clock_at(0);
	struct merge *m;
	static char bytes[1000];
	unsigned int pushed = 0, out = 0;
	uint64_t wake, next;

	if (merge_new(&m, T0))
		return;
	a = merge_add(m, &(struct merge_node){ .from = T0, .marks = true, .counts = &counts[0], .ctx = &counts[0] });
	b = merge_add(m, &(struct merge_node){ .from = T0, .marks = !foreign, .counts = &counts[1], .ctx = &counts[1] });
	while (merge_push(m, a, &(struct merge_message){ .time = T0 + ++pushed, .data = bytes, .size = sizeof(bytes) }, &now))
		;
	CHECK(pushed > 500 && merge_bytes(m) <= MERGE_BYTES + 2000, "%u fit in %zu", pushed, merge_bytes(m));
	CHECK_EQ(merge_next(m, &now, &item, &wake), MERGE_WAIT, "b is waited for");
	CHECK(!merge_resume(m), "a is not read on");
	wake = now.mono;
	for (int i = 0; i < 40 && !out; i++) {
		now.mono += 20 * MS;		/* late each time: so b is given more */
		now.real += 20 * MS;
		while (merge_next(m, &now, &item, &next) == MERGE_ITEM)
			out++;
	}
	CHECK(now.mono - wake <= MERGE_PATIENCE_SLOW + 20 * MS, "after %.0f ms", (now.mono - wake) / 1e6);
	CHECK_EQ(out, pushed, "all go out");
	CHECK(merge_resume(m) == &counts[0] && !merge_resume(m), "a is read on, once");
	CHECK_EQ(counts[0].pauses, 1, "that it was paused is counted");
	CHECK(counts[1].waited, "that b was not waited for is counted");
	merge_end(m, a);
	merge_end(m, b);
	CHECK_EQ(merge_next(m, &now, &item, &wake), MERGE_DONE, "done");
	merge_free(m);
}

/* Everybody fills a queue: all that is queued stays under what is stated. */
static void bounded(void)
{
	enum { N = 50 };
	struct merge_counts counts[N] = { 0 };
	struct merge_source *s[N], *silent;
	struct merge_counts c = { 0 };
	struct merge_now now = clock_at(0);
	static char bytes[700];
	unsigned int open = N;
	bool may[N];
	struct merge *m;

	if (merge_new(&m, T0))
		return;
	silent = merge_add(m, &(struct merge_node){ .from = T0, .marks = true, .counts = &c });
	for (int i = 0; i < N; i++) {
		s[i] = merge_add(m, &(struct merge_node){ .from = T0, .marks = true, .counts = &counts[i] });
		may[i] = true;
	}
	for (uint64_t t = T0; open; t++)
		for (int i = 0; i < N; i++) {
			if (!may[i])
				continue;
			may[i] = merge_push(m, s[i], &(struct merge_message){ .time = t, .data = bytes,
					    .size = sizeof(bytes) }, &now);
			open -= !may[i];
		}
	CHECK(merge_bytes(m) <= MERGE_POOL + N * (MERGE_FLOOR + 1024), "%zu bytes queued", merge_bytes(m));
	CHECK(merge_bytes(m) >= MERGE_POOL / 2, "%zu bytes queued", merge_bytes(m));
	merge_end(m, silent);
	merge_free(m);
}

static void flags(void)
{
	struct merge_counts c = { 0 };
	struct merge_now now = clock_at(100);
	struct merge_source *a;
	struct merge_item item;
	struct merge *m;
	uint64_t wake;

	if (merge_new(&m, T0))
		return;
	a = merge_add(m, &(struct merge_node){ .marks = true, .counts = &c, .ctx = &c });
	CHECK_EQ(merge_flag(m, T0, 7, &now), 0, "a flag");
	merge_push(m, a, &(struct merge_message){ .time = T0 - 1, .data = "x", .size = 1 }, &now);
	CHECK(merge_next(m, &now, &item, &wake) == MERGE_ITEM && item.ctx == &c, "what is older goes before it");
	CHECK_EQ(merge_next(m, &now, &item, &wake), MERGE_WAIT, "it waits for the node");
	merge_mark(m, a, T0, &now);
	CHECK(merge_next(m, &now, &item, &wake) == MERGE_ITEM && !item.ctx && item.kind == 7 && !item.size, "then it goes");
	CHECK_EQ(merge_next(m, &now, &item, &wake), MERGE_IDLE, "and no more");
	merge_end(m, a);
	CHECK_EQ(merge_next(m, &now, &item, &wake), MERGE_DONE, "a flag keeps nobody waiting");
	merge_free(m);
}

/* Messages of all sizes through a queue, against what went in. */
static void queue(void)
{
	struct queue q = { 0 };
	const struct message *m;
	static uint8_t bytes[5000];
	unsigned int in = 0, out = 0, wrong = 0;

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 7;
	srand(5);
	while (out < 200000) {
		unsigned int size = (unsigned int)rand() % (rand() % 50 ? 90 : sizeof(bytes) - 13);

		if (in - out < 300 && rand() % 2 && !queue_push(&q, &(struct message){ .key = in, .size = size,
							       .kind = size % 97 }, bytes + size % 13))
			in++;
		m = rand() % 2 ? queue_first(&q) : NULL;
		if (!m)
			continue;
		wrong += m->key != out || m->kind != m->size % 97 ||
			 memcmp(queue_bytes(m), bytes + m->size % 13, m->size);
		queue_pop(&q);
		out++;
	}
	CHECK_EQ(wrong, 0, "as they went in");
	CHECK_EQ(q.count, in - out, "none beside");
	CHECK(q.room <= 4 << 20, "%zu bytes of ring", q.room);
	queue_free(&q);
}

int main(void)
{
	for (unsigned int i = 0; i < sizeof(stories) / sizeof(*stories); i++)
		tell(&stories[i]);
	for (unsigned int seed = 1; seed <= 20; seed++) {
		random_nodes(seed, 2 + seed % (NODES - 1), 200, 5 * MS, 500 * MS, false);	/* a trickle */
		random_nodes(seed, 2 + seed % (NODES - 1), 2000, 10 * MS, MS, false);
		random_nodes(seed, 2 + seed % (NODES - 1), 2000, 10 * MS, MS / 20, false);
		random_nodes(seed, 2 + seed % (NODES - 1), 500, 10 * MS, 20 * MS, true);
	}
	full(false);
	full(true);
	bounded();
	flags();
	queue();
	return check_done();
}
