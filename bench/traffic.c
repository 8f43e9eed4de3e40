// SPDX-License-Identifier: Apache-2.0
/* Real packets between two pods, over each kind of path, interleaved by round: CPU time of the thread that owns both ends. */
#include <errno.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/paths.h"
#include "bench/talk.h"

#define SLICE 15e6		/* ns of CPU for one path in one round */
#define STEPS 8			/* between two looks at the clock */

static const struct { const char *name, *unit; } modes[] = {
	[TALK_RR] = { "rr", "us" }, [TALK_PPS] = { "pps", "us" }, [TALK_STREAM] = { "stream", "us/64KiB" }, [TALK_CRR] = { "crr", "us" },
};

/* Which ratios are promised. */
static const struct promise {
	enum path_kind path, to;
	double bound[TALK_MODES];	/* 0: none */
} promises[] = {
	{ PATH_WEIR,       PATH_PLAIN,     { [TALK_RR] = 0.90, [TALK_PPS] = 0.90, [TALK_STREAM] = 0.90, [TALK_CRR] = 0.95 } },
	{ PATH_WEIR,       PATH_DIRECT,    { [TALK_RR] = 1.10, [TALK_PPS] = 1.10, [TALK_STREAM] = 1.10 } },
	{ PATH_WEIR,       PATH_MINI,      { [TALK_RR] = 1.03, [TALK_PPS] = 1.03, [TALK_STREAM] = 1.03, [TALK_CRR] = 1.05 } },
	{ PATH_WEIR_STACK, PATH_EMPTY_TCX, { [TALK_RR] = 1.05, [TALK_PPS] = 1.08 } },
};

struct traffic {
	struct path *path[PATH_KINDS];
	struct talk *talk[PATH_KINDS];
	unsigned int n, kind[PATH_KINDS];	/* those that take part, by enum path_kind */
};

static void paths_close(struct traffic *t)
{
	for (int i = 0; i < PATH_KINDS; i++)
		path_close(t->path[i]);
}

static int paths_open(struct traffic *t, bool reduced, struct complaint *why)
{
	for (int i = 0; i < PATH_KINDS; i++) {
		int err;

		if (reduced && i != PATH_PLAIN && i != PATH_WEIR)
			continue;
		err = path_open(&t->path[i], i, why);
		if (err)
			return err;
	}
	return 0;
}

static void talks_close(struct traffic *t)
{
	for (int i = 0; i < PATH_KINDS; i++)
		talk_close(t->talk[i]);
	memset(t->talk, 0, sizeof(t->talk));
}

static int talks_open(struct traffic *t, enum talk_mode mode, bool six, struct complaint *why)
{
	t->n = 0;
	for (int i = 0; i < PATH_KINDS; i++) {
		int err;

		if (!t->path[i] || (six && i == PATH_MINI))
			continue;
		err = talk_open(&t->talk[i], t->path[i], six, mode);
		if (err) {
			complaint_set(why, 0, 0, "no connection over '%s': %s", path_text(i), strerror(-err));
			return err;
		}
		t->kind[t->n++] = i;
	}
	return 0;
}

/* us of CPU an operation; negative: it does not work */
static double slice(struct traffic *t, unsigned int kind)
{
	int back = netns_enter(path_pod(t->path[kind], false));
	double began = cpu_ns(), now;
	long done = 0, failed = 0;

	do {
		for (int i = 0; i < STEPS; i++) {
			long n = talk_do(t->talk[kind]);

			done += n;
			failed += !n;
		}
		now = cpu_ns();
	} while (now - began < SLICE && failed < 100);
	netns_leave(back);
	path_drain(t->path[kind]);
	return failed < 100 && done ? (now - began) / done / 1e3 : -1;
}

static int measure(struct traffic *t, unsigned int rounds, bench_table us, struct complaint *why)
{
	for (unsigned int k = 0; k < rounds + 1; k++)
		for (unsigned int j = 0; j < t->n; j++) {
			unsigned int kind = t->kind[(j + k * 5) % t->n];
			double v = slice(t, kind);

			if (v < 0) {
				complaint_set(why, 0, 0, "traffic over '%s' fails", path_text(kind));
				return -EIO;
			}
			if (k)
				us[kind][k - 1] = v;
		}
	return 0;
}

static unsigned int ratio(double *v, bench_table us, int path, int to, unsigned int rounds)
{
	for (unsigned int k = 0; k < rounds; k++)
		v[k] = us[path][k] / us[to][k];
	return rounds;
}

static void tell(const struct traffic *t, struct report *r, enum talk_mode mode, bool six, unsigned int rounds, bench_table us)
{
	const char *family = six ? "IPv6" : "IPv4";
	double v[BENCH_ROUNDS_MAX];
	char what[160];

	memcpy(v, us[PATH_PLAIN], rounds * sizeof(*v));
	snprintf(what, sizeof(what), "%s %s: %s", modes[mode].name, family, path_text(PATH_PLAIN));
	report_row(r, what, modes[mode].unit, v, rounds);
	for (unsigned int i = 0; i < t->n; i++) {
		if (t->kind[i] == PATH_PLAIN || t->kind[i] == PATH_WEIR)
			continue;
		ratio(v, us, t->kind[i], PATH_PLAIN, rounds);
		snprintf(what, sizeof(what), "%s %s: %s", modes[mode].name, family, path_text(t->kind[i]));
		report_row(r, what, "of plain", v, rounds);
	}
	for (unsigned int i = 0; i < sizeof(promises) / sizeof(*promises); i++) {
		const struct promise *p = &promises[i];

		if (!p->bound[mode] || !t->talk[p->path] || !t->talk[p->to])
			continue;
		ratio(v, us, p->path, p->to, rounds);
		snprintf(what, sizeof(what), "%s %s: %s / %s", modes[mode].name, family, path_text(p->path), path_text(p->to));
		report_goal(r, what, "", v, rounds, p->bound[mode]);
	}
}

int part_traffic(struct bench *b, struct report *r)
{
	static bench_table us;
	struct traffic t = { 0 };
	int err;

	report_begin(r, "traffic", "CPU time of both pods' thread; host stack bypassed by redirect and mini2 only; ratios paired by round");
	pin_to(1);
	err = paths_open(&t, b->reduced, &b->why);
	for (int six = 0; six < 2 && !err; six++)
		for (enum talk_mode mode = 0; mode < TALK_MODES && !err; mode++) {
			if (b->reduced && (six || mode != TALK_PPS))
				continue;
			err = talks_open(&t, mode, six, &b->why) ?: measure(&t, b->rounds, us, &b->why);
			if (!err)
				tell(&t, r, mode, six, b->rounds, us);
			talks_close(&t);
		}
	paths_close(&t);
	return err;
}
