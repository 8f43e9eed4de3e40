// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/follow.h"
#include "lib/log.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MODIFY | IN_ATTRIB | \
		IN_DELETE_SELF | IN_MOVE_SELF)
#define FOLDERS_MAX 1024
#define LOOK_AGAIN_MS 1000

/* A file that was told of, or will be. */
struct entry {
	struct entry *pending;		/* the next one that waits, or itself at the end; NULL: waits for nothing */
	uint64_t due;			/* milliseconds of CLOCK_MONOTONIC */
	uint64_t busy;			/* since when somebody has been writing it; 0: nobody is */
	struct stat seen;
	bool told, found, link, held;
	char name[];
};

struct folder {
	int wd;				/* -1: it was unmounted, and what it said stands */
	char name[NAME_MAX + 1];	/* "" for the directory itself */
};

struct follow {
	struct loop *loop;		/* not ours */
	struct follow_to to;
	int fd;
	bool away;			/* the directory is gone */
	bool blind;			/* a folder in it cannot be watched: all is looked at every FOLLOW_LINKS_MS */
	struct loop_timer timer, links;
	struct entry **entry;		/* sorted by name */
	size_t n, room;
	struct entry *pending;
	struct folder *folder;
	unsigned int nfolder;
	char dir[PATH_MAX];
};

static void on_events(void *ctx);
static void on_timer(void *ctx);
static void on_links(void *ctx);
static int look(struct follow *f);
static void lost(struct follow *f);
static void flush(struct follow *f);

int follow_open(struct follow **out, struct loop *loop, const char *dir, const struct follow_to *to)
{
	struct follow *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (!f)
		return err;
	f->loop = loop;			/* not ours */
	f->to = *to;
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd < 0) {
		err = -errno;
		goto fail;
	}
	err = loop_read(loop, f->fd, on_events, f);
	if (err)
		goto fail;
	err = look(f);
	if (err)
		goto fail;
	flush(f);
	*out = f;
	return 0;
fail:
	follow_close(f);
	return err;
}

void follow_close(struct follow *f)
{
	if (!f)
		return;
	loop_cancel(f->loop, &f->timer);
	loop_cancel(f->loop, &f->links);
	if (f->fd >= 0) {
		loop_forget(f->loop, f->fd);
		close(f->fd);
	}
	for (size_t i = 0; i < f->n; i++)
		free(f->entry[i]);
	free(f->entry);
	free(f->folder);
	free(f);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A name that can be a manifest's: editors' backups and temporary files end or begin otherwise. */
static bool is_manifest(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && name[0] != '#' && dot &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

/* Where a name is, or would be, among the sorted. */
static size_t place(const struct follow *f, const char *name, bool *there)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strcmp(f->entry[mid]->name, name);

		if (!c) {
			*there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*there = false;
	return low;
}

static struct entry *entry_of(struct follow *f, const char *name)
{
	bool there;
	size_t at = place(f, name, &there);
	struct entry *e;

	if (there)
		return f->entry[at];
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct entry **more = realloc(f->entry, room * sizeof(*more));

		if (!more)
			return NULL;
		f->entry = more;
		f->room = room;
	}
	e = calloc(1, sizeof(*e) + strlen(name) + 1);
	if (!e)
		return NULL;
	strcpy(e->name, name);
	memmove(f->entry + at + 1, f->entry + at, (f->n - at) * sizeof(*f->entry));
	f->entry[at] = e;
	f->n++;
	return e;
}

static void wait_for(struct follow *f, struct entry *e, unsigned int ms)
{
	e->due = now_ms() + ms;
	if (e->pending)
		return;
	e->pending = f->pending ? f->pending : e;
	f->pending = e;
}

static void join(char *to, size_t size, const char *a, const char *b)
{
	snprintf(to, size, "%s%s%s", a, *a ? "/" : "", b);
}

static void full_path(const struct follow *f, const char *name, char *to, size_t size)
{
	snprintf(to, size, "%s%s%s", f->dir, *name ? "/" : "", name);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int watch(struct follow *f, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct folder *more;
	int wd;

	full_path(f, name, path, sizeof(path));
	wd = inotify_add_watch(f->fd, path, EVENTS | IN_ONLYDIR);
	if (wd < 0)
		return -errno;
	for (unsigned int i = 0; i < f->nfolder; i++)
		if (f->folder[i].wd == wd) {
			snprintf(f->folder[i].name, sizeof(f->folder[i].name), "%s", name);
			return 0;
		}
	if (f->nfolder == FOLDERS_MAX)
		return -ENOSPC;
	more = realloc(f->folder, (f->nfolder + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	f->folder = more;
	f->folder[f->nfolder].wd = wd;
	snprintf(f->folder[f->nfolder].name, sizeof(f->folder[0].name), "%s", name);
	f->nfolder++;
	return 0;
}

static void look_at_file(struct follow *f, const char *name, const struct stat *st)
{
	struct entry *e = entry_of(f, name);

	if (!e)
		return;
	e->found = true;
	if (!e->told || !same(&e->seen, st))
		wait_for(f, e, 0);
}

/* What is in it counts all the same. */
static void unwatched(struct follow *f, const char *folder, int err)
{
	if (!f->blind)
		log_err(err, "cannot watch '%s/%s' (fs.inotify.max_user_watches?): it is looked at every second", f->dir, folder);
	f->blind = true;
	if (!f->links.when)
		loop_after(f->loop, &f->links, FOLLOW_LINKS_MS, on_links, f);
}

/* Everything in one folder; 'deep': its folders, too. */
static int look_into(struct follow *f, const char *folder, bool deep)
{
	char path[PATH_MAX + NAME_MAX + 2], name[2 * NAME_MAX + 4];
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int err = watch(f, folder);

	if (err && deep)
		return err;
	if (err == -ENOSPC)
		unwatched(f, folder, err);
	full_path(f, folder, path, sizeof(path));
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, 0))
			continue;
		join(name, sizeof(name), folder, d->d_name);
		if (S_ISDIR(st.st_mode) && deep && (err = look_into(f, name, false)))
			log_err(err, "cannot follow '%s/%s'", f->dir, name);
		else if (S_ISREG(st.st_mode) && is_manifest(d->d_name))
			look_at_file(f, name, &st);
	}
	closedir(dir);
	return 0;
}

static bool is_in(const char *name, const struct folder *folder)
{
	size_t n = strlen(folder->name);

	return n && !strncmp(name, folder->name, n) && name[n] == '/';
}

static void drop_folder(struct follow *f, struct folder *folder)
{
	*folder = f->folder[--f->nfolder];
}

/* Folders that were unmounted and have gone since, or say something again. */
static void drop_mounted(struct follow *f)
{
	for (unsigned int i = f->nfolder; i-- > 0;) {
		char path[PATH_MAX + NAME_MAX + 2];
		bool says = false;

		if (f->folder[i].wd >= 0)
			continue;
		for (size_t j = 0; j < f->n; j++)
			says |= f->entry[j]->found && is_in(f->entry[j]->name, &f->folder[i]);
		full_path(f, f->folder[i].name, path, sizeof(path));
		if (says || access(path, F_OK))
			drop_folder(f, &f->folder[i]);
	}
}

static bool stands(const struct follow *f, const struct entry *e)
{
	for (unsigned int i = 0; i < f->nfolder; i++)
		if (f->folder[i].wd < 0 && is_in(e->name, &f->folder[i]))
			return true;
	return false;
}

/* Everything anew: what differs from what was seen waits to be told. */
static int look(struct follow *f)
{
	size_t found = 0;
	int err;

	for (size_t i = 0; i < f->n; i++)
		f->entry[i]->found = false;
	err = look_into(f, "", true);
	if (err)
		return err;
	for (size_t i = 0; i < f->n; i++)
		found += f->entry[i]->found;
	if (f->away && f->n && !found)
		return -ENOENT;		/* what is there now is where it was mounted, or is being filled */
	drop_mounted(f);
	for (size_t i = 0; i < f->n; i++)
		if (!f->entry[i]->found && !stands(f, f->entry[i]))
			wait_for(f, f->entry[i], FOLLOW_AWAY_MS);
	return 0;
}

/* What links lead to, where no event comes from. */
static void on_links(void *ctx)
{
	struct follow *f = ctx;
	char path[PATH_MAX + NAME_MAX + 2];
	struct stat st;
	bool any = f->blind;

	if (f->blind && !f->away && look(f))
		lost(f);
	for (size_t i = 0; i < f->n && !f->away; i++) {
		struct entry *e = f->entry[i];

		any |= e->link;
		if (!e->link || e->pending)
			continue;
		full_path(f, e->name, path, sizeof(path));
		if (stat(path, &st))
			wait_for(f, e, FOLLOW_AWAY_MS);
		else if (!same(&e->seen, &st))
			wait_for(f, e, 0);
	}
	if (any || f->away)
		loop_after(f->loop, &f->links, FOLLOW_LINKS_MS, on_links, f);
	flush(f);
}

static void lost(struct follow *f)
{
	if (f->away)
		return;
	f->away = true;
	for (unsigned int i = 0; i < f->nfolder; i++)
		if (f->folder[i].wd >= 0)
			inotify_rm_watch(f->fd, f->folder[i].wd);	/* it may live on elsewhere */
	f->nfolder = 0;
	log_warn("'%s' is gone: what it said stays in force until it is back", f->dir);
}

static void on_file(struct follow *f, const struct inotify_event *ev, const char *folder)
{
	char name[2 * NAME_MAX + 4];
	struct entry *e;

	if (!is_manifest(ev->name))
		return;
	join(name, sizeof(name), folder, ev->name);
	e = entry_of(f, name);
	if (!e)
		return;
	if (ev->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
		wait_for(f, e, 0);
	else if (!(ev->mask & IN_ATTRIB) || !e->pending)
		wait_for(f, e, ev->mask & (IN_DELETE | IN_MOVED_FROM) ? FOLLOW_AWAY_MS : FOLLOW_STILL_MS);
}

/* Returns true if everything must be looked at again. */
static bool on_event(struct follow *f, const struct inotify_event *ev)
{
	struct folder *in = NULL;

	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	for (unsigned int i = 0; i < f->nfolder && !in; i++)
		if (f->folder[i].wd == ev->wd)
			in = &f->folder[i];
	if (!in)
		return false;
	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
		if (!in->name[0])
			lost(f);
		else if (ev->mask & IN_UNMOUNT)
			in->wd = -1;
		else if (ev->mask & IN_IGNORED)
			drop_folder(f, in);
		return true;
	}
	/* a mounted ConfigMap swaps the link ..data, and with it all files at once */
	if (ev->mask & IN_ISDIR || !strcmp(ev->name, "..data"))
		return true;
	on_file(f, ev, in->name);
	return false;
}

static void on_events(void *ctx)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct follow *f = ctx;
	bool again = false;
	ssize_t n;

	while ((n = read(f->fd, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *ev = (const void *)at;

			again |= on_event(f, ev);
			at += sizeof(*ev) + ev->len;
		}
	}
	if (again && !f->away && look(f))
		lost(f);
	flush(f);
}

static void on_timer(void *ctx)
{
	struct follow *f = ctx;

	if (f->away && !look(f)) {
		f->away = false;
		log_info("'%s' is back", f->dir);
	}
	flush(f);
}

static void forget(struct follow *f, struct entry *e)
{
	bool there;
	size_t at = place(f, e->name, &there);

	memmove(f->entry + at, f->entry + at + 1, (f->n - at - 1) * sizeof(*f->entry));
	f->n--;
	free(e);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->name, (*(struct entry *const *)b)->name);
}

/* Those whose time has come, taken off the waiting list; NULL at the end, the caller's to free. */
static struct entry **take_due(struct follow *f, size_t *n)
{
	struct entry *e = f->pending, *rest = NULL, **due;
	uint64_t now = now_ms();
	size_t room = 0;

	for (struct entry *i = e; i; i = i->pending == i ? NULL : i->pending)
		room++;
	due = calloc(room + 1, sizeof(*due));
	*n = 0;
	while (due && e) {
		struct entry *following = e->pending == e ? NULL : e->pending;

		if (e->due <= now) {
			e->pending = NULL;
			due[(*n)++] = e;
		} else {
			e->pending = rest ? rest : e;
			rest = e;
		}
		e = following;
	}
	if (due) {
		f->pending = rest;
		qsort(due, *n, sizeof(*due), by_name);
	}
	return due;
}

/* The timer goes off when the first of those that wait is due. */
static void wait_on(struct follow *f)
{
	uint64_t next = UINT64_MAX, now = now_ms();

	for (struct entry *e = f->pending; e; e = e->pending == e ? NULL : e->pending)
		next = e->due < next ? e->due : next;
	if (f->pending)
		loop_after(f->loop, &f->timer, next > now ? next - now : 0, on_timer, f);
}

void follow_again(struct follow *f, const char *name)
{
	struct entry *e = entry_of(f, name);

	if (e)
		wait_for(f, e, FOLLOW_STILL_MS);
	wait_on(f);
}

/* One file that is there. */
static void tell(struct follow *f, struct entry *e, const char *path, const struct stat *st)
{
	struct stat itself;

	e->link = !lstat(path, &itself) && S_ISLNK(itself.st_mode);
	if (e->link && !f->links.when)
		loop_after(f->loop, &f->links, FOLLOW_LINKS_MS, on_links, f);
	if (f->to.changed(f->to.ctx, e->name) != -EBUSY) {
		e->seen = *st;
		e->told = true;
		e->held = false;
		e->busy = 0;
		return;
	}
	e->busy = e->busy ? e->busy : now_ms();
	if (!e->held && now_ms() - e->busy >= FOLLOW_HELD_MS) {
		e->held = true;
		f->to.held(f->to.ctx, e->name);
	}
	wait_for(f, e, FOLLOW_STILL_MS);
}

/* Gone, or no file any more.  What cannot be looked at is not gone: whoever is told of it will say so. */
static bool is_away(const char *path, struct stat *st)
{
	if (!stat(path, st))
		return !S_ISREG(st->st_mode);
	*st = (struct stat){ 0 };
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

/* Tells what is due: first all that is there, then what went, so that a file that was renamed loses nothing. */
static void flush(struct follow *f)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct entry **due;
	size_t n, went = 0;

	due = f->away ? NULL : take_due(f, &n);
	if (!due) {
		loop_after(f->loop, &f->timer, LOOK_AGAIN_MS, on_timer, f);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		full_path(f, due[i]->name, path, sizeof(path));
		if (is_away(path, &st))
			due[went++] = due[i];
		else
			tell(f, due[i], path, &st);
	}
	for (size_t i = 0; i < went; i++) {
		if (due[i]->told || due[i]->held)
			f->to.gone(f->to.ctx, due[i]->name);
		forget(f, due[i]);
	}
	free(due);
	if (n)
		f->to.settled(f->to.ctx);
	wait_on(f);
}
