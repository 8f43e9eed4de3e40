// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/follow.h"
#include "agent/holdings.h"
#include "agent/lastgood.h"
#include "agent/state.h"
#include "lib/log.h"
#include "lib/netpol/read.h"

#define FILE_MAX (64 << 20)
#define REJECTS_MAX 1000		/* kept with their reasons; more are counted */
#define TRIM_ABOVE (1 << 20)		/* a file this big leaves holes in the heap behind */

struct reject {
	struct reject *next;
	bool last_good, fault;
	char *why;
	char file[];
};

struct state {
	struct state_listener to;
	struct holdings *holdings;
	struct follow *follow;
	struct lastgood *good;		/* NULL: by hand */
	struct reject *rejects;
	unsigned int nrejects, unlisted;
	char **again;			/* files to be read again, as another let go of what they say */
	size_t nagain;
	char dir[PATH_MAX];
};

/* One reading of one file. */
struct reading {
	struct state *s;
	const char *file;		/* its name among the holdings */
	bool complete, lasting;		/* without a fault; more than pods and their services */
};

static int read_text(struct state *s, const char *name, const char *text, size_t size, bool replace);
static int on_changed(void *ctx, const char *name);
static void on_held(void *ctx, const char *name);
static void on_gone(void *ctx, const char *name);
static void on_settled(void *ctx);
static void on_object_gone(void *ctx, enum object_kind kind, const char *ns, const char *name);
static void on_again(void *ctx, const char *file);
static void forget_rejects(struct state *s, const char *file);

int state_new(struct state **out, const struct state_listener *to)
{
	struct state *s = calloc(1, sizeof(*s));
	struct holdings_to back = { .gone = on_object_gone, .again = on_again, .ctx = s };
	int err = -ENOMEM;

	if (!s)
		return err;
	s->to = *to;
	err = holdings_new(&s->holdings, &back);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

int state_open(struct state **out, struct loop *loop, const char *dir, const char *data, const struct state_listener *to)
{
	struct state *s;
	struct follow_to follow = { .changed = on_changed, .held = on_held, .gone = on_gone, .settled = on_settled };
	int err = state_new(&s, to);

	if (err)
		return err;
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	follow.ctx = s;
	err = lastgood_open(&s->good, data, dir);
	if (!err)
		err = follow_open(&s->follow, loop, dir, &follow);
	if (err) {
		state_close(s);
		return err;
	}
	lastgood_sweep(s->good);
	*out = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	follow_close(s->follow);
	lastgood_close(s->good);
	holdings_free(s->holdings);
	forget_rejects(s, NULL);
	for (size_t i = 0; i < s->nagain; i++)
		free(s->again[i]);
	free(s->again);
	free(s);
}

int state_apply(struct state *s, const char *text, size_t size, bool replace)
{
	int err = read_text(s, "socket", text, size, replace);

	s->to.settled(s->to.ctx);
	return err;
}

void state_drop(struct state *s, enum object_kind kind, const char *ns, const char *name)
{
	if (holdings_begin(s->holdings, "socket"))
		return;
	holdings_drop(s->holdings, kind, ns, name);
	holdings_end(s->holdings, false);
}

struct telling {
	const struct state *s;
	state_reject_fn fn;
	void *ctx;
};

static void tell_duplicate(void *ctx, const char *file, enum object_kind kind, const char *ns, const char *name)
{
	const struct telling *t = ctx;
	const char *other = holdings_file(t->s->holdings, kind, ns, name);
	char object[1024], why[1024];

	snprintf(object, sizeof(object), "%s: %s %s%s%s", file, object_kind_name(kind), ns, *ns ? "/" : "", name);
	snprintf(why, sizeof(why), "'%s' says it, too, and is first by name: remove one of them", other ? other : "another");
	t->fn(t->ctx, &(struct state_reject){ .object = object, .why = why });
}

/* Whether something stands in for what is wrong is the first that one wants to know: else pods may be open. */
static void tell_reject(const struct reject *r, state_reject_fn fn, void *ctx)
{
	char why[2048];

	snprintf(why, sizeof(why), "%s%s", r->why, r->fault && !r->last_good ? "; no earlier version stands in for it" : "");
	fn(ctx, &(struct state_reject){ .object = r->file, .why = why, .last_good = r->last_good });
}

void state_rejected(const struct state *s, state_reject_fn fn, void *ctx)
{
	struct telling t = { s, fn, ctx };
	char more[64];

	for (const struct reject *r = s->rejects; r; r = r->next)
		tell_reject(r, fn, ctx);
	holdings_duplicates(s->holdings, tell_duplicate, &t);
	if (!s->unlisted)
		return;
	snprintf(more, sizeof(more), "%u more objects", s->unlisted);
	fn(ctx, &(struct state_reject){ .object = more, .why = "not listed: see the log" });
}

static void forget_rejects(struct state *s, const char *file)
{
	struct reject **at = &s->rejects, *r;

	while ((r = *at)) {
		if (file && strcmp(r->file, file)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r->why);
		free(r);
		s->nrejects--;
	}
}

static void reject(struct state *s, const char *file, const char *why, bool fault)
{
	struct reject *r;

	log_warn("%s", why);
	if (s->nrejects >= REJECTS_MAX) {
		s->unlisted++;
		return;
	}
	r = calloc(1, sizeof(*r) + strlen(file) + 1);
	if (!r)
		return;
	strcpy(r->file, file);
	r->why = strdup(why);
	r->fault = fault;
	r->next = s->rejects;
	s->rejects = r;
	s->nrejects++;
}

/* Once it is known what stays in force. */
static void mark_rejects(struct state *s, const char *file, bool last_good)
{
	for (struct reject *r = s->rejects; r; r = r->next)
		if (!strcmp(r->file, file))
			r->last_good = last_good;
}

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	struct reading *r = ctx;
	char text[1024];

	if (why) {
		r->complete = false;
		reject(r->s, r->file, complaint_text(why, text, sizeof(text)), true);
		return 0;
	}
	r->lasting |= o->kind != OBJECT_POD && o->kind != OBJECT_SERVICE && o->kind != OBJECT_ENDPOINT_SLICE;
	switch (holdings_offer(r->s->holdings, o->kind, o->ns, o->name)) {
	case HOLD_TAKE:
		r->s->to.object(r->s->to.ctx, o);
		return 0;
	case HOLD_TWICE:
		snprintf(text, sizeof(text), "%s:%u: %s '%s' is in this file twice: the first counts", r->file, o->line,
			 object_kind_name(o->kind), o->name);
		reject(r->s, r->file, text, false);
		break;
	case HOLD_OTHER:
		log_warn("%s:%u: %s '%s' is in an earlier file, too, and that one counts", r->file, o->line,
			 object_kind_name(o->kind), o->name);
		break;
	case HOLD_NO_MEMORY:
		object_free(o);
		return -ENOMEM;
	}
	object_free(o);
	return 0;
}

enum { GOOD, PODS_ALONE, FAULTY };

/* What it is, or -errno. */
static int read_once(struct state *s, const char *name, const char *text, size_t size, bool replace)
{
	struct reading r = { .s = s, .file = name, .complete = replace };
	char path[2 * PATH_MAX];
	int err = holdings_begin(s->holdings, name);

	if (err)
		return err;
	forget_rejects(s, name);
	snprintf(path, sizeof(path), "%s%s%s", s->dir, *s->dir ? "/" : "", name);
	/* by hand come the objects of suites, which hold what only a server's may */
	err = (*s->dir ? read_manifests : read_stored)(text, size, path, on_object, &r);
	mark_rejects(s, name, holdings_behind(s->holdings));
	holdings_end(s->holdings, r.complete && !err);
	return err ?: !r.complete ? FAULTY : r.lasting ? GOOD : PODS_ALONE;
}

static int read_text(struct state *s, const char *name, const char *text, size_t size, bool replace)
{
	int err = read_once(s, name, text, size, replace);

	return err < 0 ? err : 0;
}

/* -EBUSY: somebody has it open for writing.  Who comes to write meanwhile waits for us, by a signal that does nothing.
 * File systems without leases refuse otherwise; those of a network by the same word, when the server promises nothing. */
static int hold_writers(int fd)
{
	struct statfs fs;

	fcntl(fd, F_SETSIG, SIGURG);
	if (!fcntl(fd, F_SETLEASE, F_RDLCK) || errno != EAGAIN || fstatfs(fd, &fs))
		return 0;
	return (__u32)fs.f_type == NFS_SUPER_MAGIC || (__u32)fs.f_type == CIFS_SUPER_MAGIC ||
	       (__u32)fs.f_type == SMB2_SUPER_MAGIC ? 0 : -EBUSY;
}

/* A file's bytes, the caller's to free. */
static int slurp(const char *path, char **out, size_t *size, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err = 0;
	char *text = NULL;
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st))
		err = -errno;
	else if (!S_ISREG(st->st_mode))
		err = -EINVAL;
	else if ((err = hold_writers(fd)))
		;
	else if (fstat(fd, st))
		err = -errno;
	else if (st->st_size > FILE_MAX)
		err = -EFBIG;
	else if (!(text = malloc(st->st_size + 1)))
		err = -ENOMEM;
	/* what is written behind the end while we read brings an event of its own */
	while (!err && n < (size_t)st->st_size && (got = read(fd, text + n, st->st_size - n))) {
		if (got < 0)
			err = -errno;
		else
			n += got;
	}
	close(fd);			/* and with it the lease */
	if (err) {
		free(text);
		return err;
	}
	text[n] = '\0';
	*out = text;
	*size = n;
	return 0;
}

/* What the file said when it was last good, in the time of an earlier agent. */
static bool recall(struct state *s, const char *name)
{
	char *text;
	size_t size;

	if (lastgood_recall(s->good, name, &text, &size))
		return false;
	log_warn("%s/%s: what it said when an earlier agent read it stays in force", s->dir, name);
	read_once(s, name, text, size, true);
	free(text);
	return true;
}

/* A file with a fault is read again behind what it said when it had none.  Pods alone are not kept: there may be tens of
 * thousands of such files, and a pod that nobody knows is closed, not open. */
static int read_file(struct state *s, const char *name, const char *text, size_t size, const struct stat *st)
{
	bool fresh = !holdings_says(s->holdings, name);
	int what = read_once(s, name, text, size, true);

	if (what == GOOD)
		lastgood_keep(s->good, name, text, size, st);
	else if (what == PODS_ALONE)
		lastgood_drop(s->good, name);
	if (what != FAULTY || !fresh)
		return what < 0 ? what : 0;
	return recall(s, name) ? read_text(s, name, text, size, true) : 0;
}

static void cannot_read(struct state *s, const char *name, const char *why)
{
	char text[3 * PATH_MAX];

	forget_rejects(s, name);
	snprintf(text, sizeof(text), "%s/%s: cannot read it: %s", s->dir, name, why);
	reject(s, name, text, true);
	mark_rejects(s, name, holdings_says(s->holdings, name));
}

static int on_changed(void *ctx, const char *name)
{
	struct state *s = ctx;
	char path[2 * PATH_MAX], *text = NULL;
	size_t size = 0;
	struct stat st;
	int err;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	err = slurp(path, &text, &size, &st);
	if (err == -ENOENT)
		return 0;		/* its going is told, too */
	if (err && !holdings_says(s->holdings, name))
		recall(s, name);
	if (err == -EBUSY)
		return err;
	if (!err) {
		err = read_file(s, name, text, size, &st);
		free(text);
	}
	if (err)
		cannot_read(s, name, err == -EFBIG ? "more than 64 MiB: split it" : strerror(-err));
	if (size > TRIM_ABOVE)
		malloc_trim(0);
	return 0;
}

static void on_held(void *ctx, const char *name)
{
	cannot_read(ctx, name, "a program has had it open for writing for 5 s: it counts when that closes it");
}

static void on_gone(void *ctx, const char *name)
{
	struct state *s = ctx;

	forget_rejects(s, name);
	lastgood_drop(s->good, name);
	if (holdings_begin(s->holdings, name))
		return;
	holdings_end(s->holdings, true);
}

static void on_settled(void *ctx)
{
	struct state *s = ctx;

	/* reading one again may make another let go */
	while (s->nagain) {
		char *file = s->again[--s->nagain];

		if (on_changed(s, file) == -EBUSY)
			follow_again(s->follow, file);
		free(file);
	}
	s->to.settled(s->to.ctx);
}

static void on_object_gone(void *ctx, enum object_kind kind, const char *ns, const char *name)
{
	struct state *s = ctx;

	s->to.gone(s->to.ctx, kind, ns, name);
}

static void on_again(void *ctx, const char *file)
{
	struct state *s = ctx;
	char **more;

	for (size_t i = 0; i < s->nagain; i++)
		if (!strcmp(s->again[i], file))
			return;
	more = realloc(s->again, (s->nagain + 1) * sizeof(*more));
	if (!more)
		return;
	s->again = more;
	s->again[s->nagain] = strdup(file);
	s->nagain += s->again[s->nagain] != NULL;
}
