// SPDX-License-Identifier: Apache-2.0
/*
 * The real programs as a judge: frames by BPF_PROG_TEST_RUN, at the sender's interface and, unless it was handed over
 * there, at the receiver's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/suite/child.h"
#include "lib/suite/wire.h"
#include "tools/policy_test.h"

#define BATCH 2000		/* frames a request */
#define FIRST_PORT 1024		/* sources; a fresh one for each cell, so that no cell meets another's flow */

struct kernel {
	struct judge judge;
	struct child *child;
	unsigned int port;
};

static void kernel_close(struct judge *j)
{
	struct kernel *k = (struct kernel *)j;

	child_stop(k->child);
	free(k);
}

static int kernel_open(struct judge **out, const struct judge_options *options, struct complaint *why)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct child_options child = { .agent = options->agent, .node = options->hand.node, .hairpin = options->hairpin,
				       .stack = options->hand.stack, .netns = -1 };
	int err;

	if (!k)
		return -ENOMEM;
	err = child_start(&k->child, &child, why);
	if (err) {
		free(k);
		return err;
	}
	*out = &k->judge;
	return 0;
}

static int kernel_hand(struct judge *j, const struct cluster *c, struct complaint *why)
{
	struct kernel *k = (struct kernel *)j;

	return child_hand(k->child, j->hand, c, why);
}

/* -- frames -- */

struct shot {
	struct cell *cell;
	struct judge_pair pair;
	int from, to;			/* which frame of the request; -1: none */
	__u8 data[WIRE_MAX];
	size_t size;
};

static void add_frame(Weir__V1__JudgeRequest *ask, Weir__V1__Frame *frame, struct shot *s, bool to_pod)
{
	Weir__V1__Frame *f = &frame[ask->n_frame];

	weir__v1__frame__init(f);
	f->pod = to_pod ? s->cell->to : s->cell->from;
	f->to_pod = to_pod;
	f->data.data = s->data;
	f->data.len = s->size;
	if (to_pod && s->pair.from_pod)
		f->from = s->cell->from;
	else if (to_pod && !s->pair.own_node)
		f->outside = true;
	if (to_pod)
		s->to = ask->n_frame;
	else
		s->from = ask->n_frame;
	ask->frame[ask->n_frame++] = f;
}

static void load(struct kernel *k, struct shot *s)
{
	struct wire w = { .src = s->pair.src, .dst = s->pair.dst, .proto = s->cell->proto, .dport = s->cell->port,
			  .flags = WIRE_SYN, .to_mac = { 2, 0, 0, 0, 0, 1 }, .from_mac = { 2, 0, 0, 0, 0, 2 } };

	k->port = k->port < FIRST_PORT || k->port >= 65535 ? FIRST_PORT : k->port + 1;
	w.sport = k->port;
	s->size = wire_build(&w, s->data, sizeof(s->data));
	s->from = s->to = -1;
}

/* A frame that its sender's program lets through, or hands over, and that the receiver's lets in. */
static void read_fate(const struct kernel *k, struct shot *s, Weir__V1__Fate **fate)
{
	const Weir__V1__Fate *from = s->from >= 0 ? fate[s->from] : NULL, *to = s->to >= 0 ? fate[s->to] : NULL;
	struct cell *c = s->cell;
	bool handed = from && from->redirected;

	c->got = (!from || from->pass) && (!to || handed || to->pass) ? EXPECT_ALLOW : EXPECT_DENY;
	/* a pod's packet to itself is judged once, both sides, where it leaves */
	if (from && k->judge.options.hand.stack && !s->pair.itself)
		c->got_side[WEIR_EGRESS] = from->pass ? EXPECT_ALLOW : EXPECT_DENY;
	if (to && k->judge.options.hand.stack && !s->pair.own_node && !s->pair.itself)
		c->got_side[WEIR_INGRESS] = to->pass ? EXPECT_ALLOW : EXPECT_DENY;
	snprintf(c->why, sizeof(c->why), "from_pod %s%s, to_pod %s", from ? from->reason : "-", handed ? " and handed over" : "",
		 to && !handed ? to->reason : "-");
}

static int shoot(struct kernel *k, struct shot *shot, unsigned int n, struct complaint *why)
{
	Weir__V1__JudgeRequest judge = WEIR__V1__JUDGE_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__Frame *frame = calloc(2 * n, sizeof(*frame));
	Weir__V1__Fate **fate = calloc(2 * n, sizeof(*fate));
	Weir__V1__Reply *reply[64] = { NULL };
	unsigned int nreply = 0, got = 0;
	bool done = false;
	int err;

	judge.frame = calloc(2 * n, sizeof(*judge.frame));
	judge.forget = true;
	for (unsigned int i = 0; i < n; i++) {
		if (shot[i].pair.from_pod)
			add_frame(&judge, frame, &shot[i], false);
		if (shot[i].pair.to_pod)
			add_frame(&judge, frame, &shot[i], true);
	}
	ask.ask_case = WEIR__V1__REQUEST__ASK_JUDGE;
	ask.judge = &judge;
	err = control_ask(child_control(k->child), &ask, why);
	while (!err && !done && nreply < 64) {
		err = control_answer(child_control(k->child), &reply[nreply], 60000, why);
		if (err)
			break;
		done = reply[nreply]->done;
		if (reply[nreply]->answer_case == WEIR__V1__REPLY__ANSWER_JUDGED)
			for (size_t i = 0; i < reply[nreply]->judged->n_fate && got < judge.n_frame; i++)
				fate[got++] = reply[nreply]->judged->fate[i];
		nreply++;
	}
	if (!err && got != judge.n_frame) {
		complaint_set(why, 0, 0, "the agent answered %u of %zu frames", got, judge.n_frame);
		err = -EPROTO;
	}
	for (unsigned int i = 0; i < n && !err; i++)
		read_fate(k, &shot[i], fate);
	for (unsigned int i = 0; i < nreply; i++)
		weir__v1__reply__free_unpacked(reply[i], NULL);
	free(judge.frame);
	free(frame);
	free(fate);
	return err;
}

static int kernel_ask(struct judge *j, const struct cluster *c, struct cell *cell, unsigned int n, struct complaint *why)
{
	struct kernel *k = (struct kernel *)j;
	struct shot *shot = calloc(BATCH, sizeof(*shot));
	unsigned int loaded = 0;
	int err = shot ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < n && !err; i++) {
		if (!judge_pair(j, c, &cell[i], &shot[loaded].pair))
			continue;
		shot[loaded].cell = &cell[i];
		load(k, &shot[loaded++]);
		if (loaded == BATCH) {
			err = shoot(k, shot, loaded, why);
			loaded = 0;
		}
	}
	if (!err && loaded)
		err = shoot(k, shot, loaded, why);
	free(shot);
	return err;
}

const struct judge_ops judge_kernel = { kernel_open, kernel_close, kernel_hand, kernel_ask };
