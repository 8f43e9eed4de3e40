// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/export.h"
#include "agent/export_ask.h"
#include "agent/export_fold.h"
#include "lib/log.h"
#include "lib/wire/json_flow.h"

#define BATCH 1024		/* records between two quiet points */
#define BUSY_MS 20		/* until the next look when there was something, and when there was not */
#define IDLE_MS 100
#define RETRY_MS 500		/* until a write that failed is tried again */
#define LAST_MS 1000		/* for what is left at the end */
#define LAPPED_AHEAD 8		/* who is lapped goes on an eighth of the history ahead of what is overwritten next */
#define LINES (2 * WIRE_JSON_MAX)

struct export {
	struct export_source from;
	struct export_ask ask;
	struct export_file *file;
	struct export_fold *fold;		/* NULL: not folded */
	uint64_t window, window_end;	/* nanoseconds; of CLOCK_MONOTONIC */
	unsigned int fold_at;		/* the group that is written next, while they are */
	bool folding_out;

	uint64_t at;			/* the record it looks at next */
	uint64_t start;
	uint64_t losses;		/* cursor of losses_next() */
	struct loss loss;		/* the next one to be told */
	bool has_loss;
	uint64_t missed, missed_first, missed_last;	/* overwritten under the cursor, not yet told */

	size_t used;			/* bytes of lines that wait to be written */
	uint64_t used_lines, used_flows;
	bool failing;			/* the last write failed */

	_Atomic uint64_t lines, bytes, flows, lost, failures, rotations;

	pthread_t thread;
	bool running;
	pthread_mutex_t lock;		/* of 'stop' */
	pthread_cond_t wake;
	bool stop;
	char line[LINES];
};

static uint64_t clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* --- Lines --- */

/* What waits goes out.  False: not now; it is kept, and nothing is read meanwhile. */
static bool flush(struct export *e)
{
	int err;

	if (!e->used)
		return true;
	err = export_file_write(e->file, e->line, e->used);
	atomic_store(&e->rotations, export_file_rotations(e->file));
	if (err) {
		atomic_fetch_add(&e->failures, 1);
		if (!e->failing && err != -EAGAIN)
			log_err(err, "cannot export flows: trying again");
		e->failing |= err != -EAGAIN;
		return false;
	}
	if (e->failing)
		log_info("exporting flows again");
	e->failing = false;
	atomic_fetch_add(&e->lines, e->used_lines);
	atomic_fetch_add(&e->flows, e->used_flows);
	atomic_fetch_add(&e->bytes, e->used);
	e->used = e->used_lines = e->used_flows = 0;
	return true;
}

static char *line_at(struct export *e, size_t *room)
{
	*room = sizeof(e->line) - e->used;
	return e->line + e->used;
}

/* Before a line is made: is there room for the longest. */
static bool has_room(struct export *e)
{
	return sizeof(e->line) - e->used >= WIRE_JSON_MAX || flush(e);
}

static void lose(struct export *e, uint64_t flows)
{
	atomic_fetch_add(&e->lost, flows);
	if (e->from.losses)
		losses_add(e->from.losses, LOSS_EXPORT, flows);
}

/* A line of so many bytes is there; 0: a flow that no line holds. */
static void put(struct export *e, size_t size, uint64_t flows)
{
	if (!size)
		lose(e, flows);
	e->used += size;
	e->used_lines += size > 0;
	e->used_flows += size ? flows : 0;
}

static void put_loss(struct export *e, const struct wire_loss *loss)
{
	size_t room;
	char *to = line_at(e, &room);

	put(e, wire_json_lost(loss, e->from.views.node, loss->last, to, room), 0);
}

/* --- What was lost --- */

/* A loss of the rings belongs before the record that was read next. */
static void tell_ring_losses(struct export *e)
{
	while (e->from.losses && has_room(e)) {
		while (!e->has_loss && losses_next(e->from.losses, &e->losses, &e->loss))
			e->has_loss = e->loss.next > e->start;
		if (!e->has_loss || e->loss.next > e->at)
			return;
		put_loss(e, &(struct wire_loss){ (enum wire_loss_where)loss_source(e->loss.stage), e->loss.events, e->loss.cpu,
						 e->loss.first, e->loss.last });
		e->has_loss = false;
	}
}

static void tell_missed(struct export *e)
{
	if (!e->missed || !has_room(e))
		return;
	put_loss(e, &(struct wire_loss){ WIRE_LOSS_HISTORY, e->missed, -1, e->missed_first, e->missed_last });
	e->missed = 0;
}

/* The history went over the cursor. */
static void lapped(struct export *e)
{
	uint64_t first = records_first(e->from.records), next = records_next(e->from.records);
	uint64_t to = first + (next - first) / LAPPED_AHEAD, now = clock_ns(CLOCK_REALTIME);

	if (to <= e->at)
		return;
	lose(e, to - e->at);
	if (!e->missed)
		e->missed_first = now;
	e->missed += to - e->at;
	e->missed_last = now;
	e->at = to;
}

/* --- Folding --- */

static uint64_t group_flows(const struct export_fold_group *g)
{
	return (uint64_t)g->flows.flows[0] + g->flows.flows[1] + g->flows.flows[2];
}

/* The window's groups, one line each.  False: not all of them went out yet. */
static bool fold_out(struct export *e)
{
	const struct export_fold_group *g;

	e->folding_out = true;
	for (;;) {
		size_t room;
		char *to;

		if (!has_room(e))
			return false;
		if (!export_fold_next(e->fold, &e->fold_at, &g))
			break;
		to = line_at(e, &room);
		put(e, export_fold_line(g, e->from.views.node, to, room), group_flows(g));
	}
	export_fold_clear(e->fold);
	e->fold_at = 0;
	e->folding_out = false;
	return true;
}

static bool fold_is_due(struct export *e)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!e->fold || now < e->window_end)
		return false;
	e->window_end = now + e->window;
	return true;
}

/* --- Flows --- */

/* False: not now. */
static bool take(struct export *e, const struct record *r)
{
	struct flow f;
	size_t room;
	char *to;

	flow_view(&e->from.views, r, e->at, &f);
	if (e->ask.filters && !filters_pass(e->ask.filters, &f))
		return true;
	if (e->fold)
		return export_fold_add(e->fold, &f) || (fold_out(e) && export_fold_add(e->fold, &f));
	if (!has_room(e))
		return false;
	to = line_at(e, &room);
	put(e, wire_json_flow(&f, e->ask.fields, to, room), 1);
	return true;
}

enum step { STEP_ON, STEP_END, STEP_BLOCKED };

static enum step step(struct export *e)
{
	struct record r;
	int err;

	tell_ring_losses(e);
	tell_missed(e);
	err = records_copy(e->from.records, e->at, &r);
	if (err == -EAGAIN)
		return STEP_END;
	if (err) {
		lapped(e);
		return STEP_ON;
	}
	if (!take(e, &r))
		return STEP_BLOCKED;
	e->at++;
	return STEP_ON;
}

/* A batch between two quiet points: nothing of a view is held beyond. */
static enum step batch(struct export *e)
{
	enum step s = STEP_ON;

	quiet_point(e->from.quiet, QUIET_EXPORT);
	for (unsigned int i = 0; i < BATCH && s == STEP_ON; i++)
		s = step(e);
	quiet_away(e->from.quiet, QUIET_EXPORT);
	return s;
}

/* All that there is.  Returns how long to sleep, milliseconds. */
static unsigned int turn(struct export *e)
{
	uint64_t begin = e->at;
	enum step s = STEP_ON;

	if (e->folding_out && !fold_out(e))
		return RETRY_MS;
	while (s == STEP_ON)
		s = batch(e);
	if (s == STEP_END && fold_is_due(e) && !fold_out(e))
		s = STEP_BLOCKED;
	if (s == STEP_BLOCKED || !flush(e))
		return RETRY_MS;
	return e->at > begin ? BUSY_MS : IDLE_MS;
}

static bool sleep_unless_stopped(struct export *e, unsigned int ms)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + ms * 1000000ULL;
	struct timespec t = { .tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000) };
	bool go_on;

	pthread_mutex_lock(&e->lock);
	while (!e->stop && pthread_cond_timedwait(&e->wake, &e->lock, &t) != ETIMEDOUT)
		;
	go_on = !e->stop;
	pthread_mutex_unlock(&e->lock);
	return go_on;
}

/* What has come until now, and no longer than LAST_MS. */
static void last_turn(struct export *e)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + LAST_MS * 1000000ULL, left;

	e->window_end = 0;
	while (turn(e) == RETRY_MS && clock_ns(CLOCK_MONOTONIC) < until)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	left = records_next(e->from.records) - e->at + e->used_flows + (e->fold ? export_fold_groups(e->fold) - e->fold_at : 0);
	if (left)
		log_warn("%llu flows or lines were not exported: nobody took them", (unsigned long long)left);
}

static void *run(void *ctx)
{
	struct export *e = ctx;
	sigset_t set;

	sigfillset(&set);		/* a reader of stdout that is gone is an error, no signal */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (sleep_unless_stopped(e, turn(e)))
		;
	last_turn(e);
	return NULL;
}

/* --- Opening and closing --- */

static int make(struct export *e, const struct export_options *o, struct complaint *why)
{
	int err = export_ask_read(&e->ask, o, why);

	if (err)
		return err;
	err = export_file_open(&e->file, &o->rotation, o->file);
	if (err) {
		complaint_set(why, 0, 0, "cannot export to '%s': %s", o->file, strerror(-err));
		return err;
	}
	if (e->ask.fold)
		err = export_fold_new(&e->fold, e->ask.fold);
	e->window = o->window_ms * 1000000ULL;
	e->window_end = clock_ns(CLOCK_MONOTONIC) + e->window;
	return err;
}

static int start(struct export *e)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&e->lock, NULL);
	err = -pthread_create(&e->thread, NULL, run, e);
	e->running = !err;
	if (e->running)
		pthread_setname_np(e->thread, "weir-export");
	return err;
}

int export_open(struct export **out, const struct export_options *options, const struct export_source *from,
		struct complaint *why)
{
	struct export *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	complaint_set(why, 0, 0, "cannot start the export: no memory");
	if (!e)
		return err;
	e->from = *from;
	e->at = e->start = records_next(from->records);
	e->losses = from->losses ? losses_cursor(from->losses) : 0;
	err = make(e, options, why);
	if (!err)
		err = start(e);
	if (err)
		export_close(e);
	else
		*out = e;
	return err;
}

void export_close(struct export *e)
{
	if (!e)
		return;
	if (e->running) {
		pthread_mutex_lock(&e->lock);
		e->stop = true;
		pthread_cond_signal(&e->wake);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->thread, NULL);
	}
	export_fold_free(e->fold);
	export_file_close(e->file);
	export_ask_free(&e->ask);
	free(e);
}

void export_count(const struct export *e, struct export_counts *out)
{
	*out = (struct export_counts){
		.lines = atomic_load(&e->lines), .bytes = atomic_load(&e->bytes), .flows = atomic_load(&e->flows),
		.lost = atomic_load(&e->lost), .failures = atomic_load(&e->failures), .rotations = atomic_load(&e->rotations),
	};
}
