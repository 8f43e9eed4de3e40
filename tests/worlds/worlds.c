// SPDX-License-Identifier: Apache-2.0
/*
 * Random worlds: whatever the cluster and however it changes, the compiler's tables say what the rules say.
 *
 *	worlds [--seconds N | --verdicts N | --worlds N] [--seed N] [--kernel]
 *
 * Each world is compiled step by step; after every commit random connections are asked of the tables (by the kernel's
 * header) and of the reference evaluator: verdict, author, would-be verdict and its author.  Then the laws, then the
 * controls: builds broken on purpose, each of which must be found out.
 */
#include <stdlib.h>
#include <time.h>

#include "lib/addr.h"
#include "lib/opt.h"
#include "tests/check.h"
#include "tests/worlds/bench.h"
#include "tests/worlds/kernel.h"
#include "tests/worlds/laws.h"
#include "tests/worlds/shrink.h"

#define QUESTIONS 300		/* per commit */

static struct {
	unsigned int seconds, verdicts, seed, worlds, questions;
	bool no_controls, kernel;
} want = { .questions = QUESTIONS };

static const struct opt options[] = {
	OPT_UINT('s', "seconds", &want.seconds, "N", "go on for so long (default 20)"),
	OPT_UINT('v', "verdicts", &want.verdicts, "N", "or until so many sides were compared"),
	OPT_UINT(0, "worlds", &want.worlds, "N", "or for so many worlds"),
	OPT_UINT(0, "seed", &want.seed, "N", "of the first world (default: by the clock)"),
	OPT_UINT('q', "questions", &want.questions, "N", "to ask after each commit"),
	OPT_FLAG('k', "kernel", &want.kernel, "ask the real programs, too: root"),
	OPT_FLAG(0, "no-controls", &want.no_controls, "without the builds broken on purpose"),
	OPT_END
};

static struct kernel *kernel;		/* NULL: not asked */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* -- one world -- */

struct trial {
	enum bench_break broken;
	unsigned int questions;		/* 0: the one below, after every commit */
	struct question only, found;
	unsigned long compared, frames;
	unsigned int commits;
	bool redirect;
	char why[700];
};

static bool ask(struct trial *t, const struct bench *b, const struct reference *r, struct chance *c)
{
	struct question q = t->only;

	for (unsigned int i = 0; i < (t->questions ?: 1); i++) {
		if (t->questions)
			gen_question(c, &q);
		if (!bench_agrees(b, r, &q, &t->compared, t->why, sizeof(t->why)) ||
		    (b->also && !kernel_agrees(kernel, b, r, &q, t->redirect, &t->frames, t->why, sizeof(t->why)))) {
			t->found = q;
			return false;
		}
	}
	return true;
}

static bool walk(struct trial *t, const struct world *w, struct bench *b)
{
	struct chance c = { w->seed ^ 0xabcdef };
	bool ok = true;

	for (unsigned int i = 0; i < w->n && ok; i++) {
		struct value *list;
		struct reference *r;

		if (bench_event(b, &w->event[i]) || b->rejected) {
			snprintf(t->why, sizeof(t->why), "%s%s", b->rejected ? "a manifest was refused: " : "", b->why);
			return false;
		}
		if (w->event[i].kind != EVENT_COMMIT)
			continue;
		t->commits++;
		list = world_at(w, i + 1);
		ok = !b->also || !kernel_sync(kernel, b, list, t->redirect);
		if (!ok)
			snprintf(t->why, sizeof(t->why), "the kernel's endpoints cannot be armed");
		r = reference_new(list, REFERENCE_KUBERNETES);
		ok = ok && ask(t, b, r, &c);
		reference_free(r);
		value_free(list);
	}
	return ok;
}

/* The kernel's maps live on from world to world, and so does the compiler that fills them. */
static struct bench standing;

static bool walk_standing(struct trial *t, const struct world *w)
{
	bool ok = walk(t, w, &standing);

	standing.rejected = 0;
	for (unsigned int i = 0; i < w->n; i++)
		if (w->event[i].kind == EVENT_PUT) {
			struct event gone = { .kind = EVENT_GONE };

			memcpy(gone.key, w->event[i].key, sizeof(gone.key));
			bench_event(&standing, &gone);
		}
	if (bench_commit(&standing) && ok) {
		snprintf(t->why, sizeof(t->why), "clearing away: %.600s", standing.why);
		ok = false;
	}
	return ok;
}

/* True: engine and reference agree throughout. */
static bool agrees(struct trial *t, const struct world *w)
{
	struct bench b;
	bool ok;

	t->redirect = w->seed & 1;
	if (kernel && !t->broken)
		return walk_standing(t, w);
	ok = !bench_new(&b, t->broken) && walk(t, w, &b);
	bench_free(&b);
	return ok;
}

/* Smaller worlds must fail for the same reason, not because they make no sense any more. */
static bool still_fails(void *ctx, const struct world *w)
{
	struct trial t = *(struct trial *)ctx;

	t.why[0] = 0;
	return !agrees(&t, w) && !strstr(t.why, "refused") && !strstr(t.why, "commit");
}

static void tell(struct world *w, struct trial *t)
{
	char src[ADDR_TEXT_SIZE], dst[ADDR_TEXT_SIZE];

	printf("seed %lu: %s -> %s protocol %u port %u: %s\n", (unsigned long)w->seed, addr_text(&t->found.src, src),
	       addr_text(&t->found.dst, dst), t->found.proto, t->found.port, t->why);
	t->only = t->found;
	t->questions = 0;
	if (!still_fails(t, w))
		return;
	shrink(w, still_fails, t);
	agrees(t, w);
	printf("the smallest such world: %s\n", t->why);
	world_print(w, stdout);
}

/* -- many -- */

static bool enough(unsigned long worlds, unsigned long compared, double began)
{
	if (want.worlds)
		return worlds >= want.worlds;
	if (want.verdicts)
		return compared >= want.verdicts;
	return now() - began >= (want.seconds ?: 20);
}

static void run_worlds(void)
{
	unsigned long worlds = 0, compared = 0, frames = 0, commits = 0, differ = 0, broken[16] = { 0 };
	double began = now();

	for (; !enough(worlds, compared, began) && differ < 5; worlds++) {
		struct trial t = { .questions = want.questions };
		const struct law *law = &laws[worlds % nlaws];
		struct chance c = { want.seed + worlds };
		char why[512] = "";
		struct world w;

		world_make(&w, want.seed + worlds);
		if (!agrees(&t, &w)) {
			differ++;
			tell(&w, &t);
		} else if (!law->holds(&w, &c, why, sizeof(why))) {
			broken[worlds % nlaws]++;
			CHECK(false, "seed %lu: law '%s': %s", (unsigned long)w.seed, law->name, why);
		}
		compared += t.compared;
		frames += t.frames;
		commits += t.commits;
		world_free(&w);
	}
	printf("%lu worlds, %lu commits, %lu sides compared with the reference (verdict, author, would-be verdict and author), "
	       "%lu frames through the real programs, %lu differ, %.0f seconds; first seed %u\n", worlds, commits, compared,
	       frames, differ, now() - began, want.seed);
	CHECK_EQ(differ, 0, "engine and reference agree");
	CHECK(compared > 1000 || want.worlds, "enough was compared");
	for (unsigned int i = 0; i < nlaws; i++)
		CHECK_EQ(broken[i], 0, "law '%s' in %lu worlds", laws[i].name, (worlds + nlaws - 1 - i) / nlaws);
}

/* Every broken build must be found out within a few worlds. */
static void run_controls(void)
{
	for (int how = BREAK_NOTHING + 1; how < BREAKS; how++) {
		unsigned int n = 0;
		bool found = false;

		for (; n < 200 && !found; n++) {
			struct trial t = { .broken = how, .questions = want.questions };
			struct world w;

			world_make(&w, want.seed + n);
			found = !agrees(&t, &w);
			world_free(&w);
		}
		printf("control: %s: %s after %u worlds\n", bench_break_text(how), found ? "found" : "NOT FOUND", n);
		CHECK(found, "control '%s'", bench_break_text(how));
	}
}

int main(int argc, char **argv)
{
	struct complaint why;
	int first = opt_parse(options, argc - 1, argv + 1, &why);

	if (first < 0 || first < argc - 1) {
		opt_help(options, stderr);
		return 2;
	}
	if (!want.seed)
		want.seed = time(NULL) % 1000000000;
	if (want.kernel && kernel_open(&kernel, &why)) {
		char text[1024];

		printf("%s\n", complaint_text(&why, text, sizeof(text)));
		check_skip("the real programs cannot be loaded here");
	}
	if (kernel) {
		CHECK_EQ(bench_new(&standing, BREAK_NOTHING), 0, "a compiler");
		standing.also = kernel_op;
		standing.also_ctx = kernel;
	}
	if (!want.no_controls)
		run_controls();
	run_worlds();
	bench_free(&standing);
	kernel_close(kernel);
	return check_done();
}
