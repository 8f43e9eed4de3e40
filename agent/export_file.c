// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/export_file.h"

#define PIPE_WAIT_MS 200	/* for a reader of stdout to make room */
#define PIPE_ONCE 4096		/* what poll() promises room for */

struct export_file {
	struct export_rotation how;
	char *path;			/* NULL: stdout */
	bool plain;			/* a file by its name: it can be rotated, and cut to whole lines */
	int fd;
	uint64_t size;
	int64_t born;			/* seconds of CLOCK_REALTIME */
	uint64_t rotations;
	size_t done;			/* bytes of the lines in hand that are out already */
};

static int64_t birth(int fd)
{
	struct statx s;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &s) && s.stx_mask & STATX_BTIME)
		return s.stx_btime.tv_sec;
	return time(NULL);
}

/* Was its last line ended? */
static bool is_whole(int fd, uint64_t size)
{
	char last = '\n';

	return !size || (pread(fd, &last, 1, (off_t)size - 1) == 1 && last == '\n');
}

static int open_file(struct export_file *f)
{
	struct stat s;

	f->fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (f->fd < 0 || fstat(f->fd, &s))
		return -errno;
	f->plain = S_ISREG(s.st_mode);		/* else a pipe or a terminal by its name */
	f->size = f->plain ? (uint64_t)s.st_size : 0;
	f->born = birth(f->fd);
	if (!is_whole(f->fd, f->size) && write(f->fd, "\n", 1) == 1)
		f->size++;
	return 0;
}

int export_file_open(struct export_file **out, const struct export_rotation *how, const char *path)
{
	struct export_file *f = calloc(1, sizeof(*f));
	int err = 0;

	if (!f)
		return -ENOMEM;
	f->how = *how;
	f->fd = STDOUT_FILENO;
	if (strcmp(path, "-")) {
		f->fd = -1;
		f->path = strdup(path);
		err = f->path ? open_file(f) : -ENOMEM;
	}
	if (err)
		export_file_close(f);
	else
		*out = f;
	return err;
}

void export_file_close(struct export_file *f)
{
	if (!f)
		return;
	if (f->path && f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

static void backup_name(const struct export_file *f, unsigned int n, char *to, size_t size)
{
	snprintf(to, size, n ? "%s.%u" : "%s", f->path, n);
}

/* Oldest first, so that each name is free before it is taken; a rename takes the place of what is there. */
static void shift(const struct export_file *f)
{
	char from[4352], to[4352];

	for (unsigned int n = f->how.backups; n > 0; n--) {
		backup_name(f, n - 1, from, sizeof(from));
		backup_name(f, n, to, sizeof(to));
		rename(from, to);
	}
	if (!f->how.backups)
		unlink(f->path);
}

static int rotate(struct export_file *f)
{
	int old = f->fd, err;

	shift(f);
	err = open_file(f);
	if (err) {		/* the old one goes on, under the name it has now */
		if (f->fd >= 0)
			close(f->fd);
		f->fd = old;
		return err;
	}
	close(old);
	f->rotations++;
	return 0;
}

static bool is_due(const struct export_file *f, size_t next)
{
	if (!f->size)
		return false;
	if (f->how.size && f->size + next > f->how.size)
		return true;
	return f->how.age_s && time(NULL) - f->born >= (int64_t)f->how.age_s;
}

/* Bytes of whole lines that the file has room for; of one at least. */
static size_t that_fit(const struct export_file *f, const char *lines, size_t size)
{
	size_t first = (size_t)((char *)memchr(lines, '\n', size) + 1 - lines), room;
	const char *end;

	if (!f->how.size || f->size + size <= f->how.size)
		return size;
	room = f->size < f->how.size ? (size_t)(f->how.size - f->size) : 0;
	end = memrchr(lines, '\n', room < size ? room : size);
	return end ? (size_t)(end + 1 - lines) : first;
}

/* A full disk takes part of it: that goes again, so that the file has whole lines only. */
static int append(struct export_file *f, const char *lines, size_t size)
{
	size_t done = 0;
	ssize_t n = 0;
	int err;

	while (done < size && (n = write(f->fd, lines + done, size - done)) > 0)
		done += (size_t)n;
	if (done == size) {
		f->size += size;
		f->done += size;
		return 0;
	}
	err = n < 0 ? -errno : -ENOSPC;
	if (done && ftruncate(f->fd, (off_t)f->size))
		f->size += done;
	return err;
}

static int write_file(struct export_file *f, const char *lines, size_t size)
{
	int err = 0;

	while (f->done < size && !err) {
		const char *next = lines + f->done, *end = memchr(next, '\n', size - f->done);

		if (is_due(f, (size_t)(end + 1 - next)))
			rotate(f);	/* failing that, the file grows: lines are worth more than its size */
		err = append(f, next, that_fit(f, next, size - f->done));
	}
	return err;
}

/* Nobody may be reading: nothing is written that there is no room for. */
static int write_pipe(struct export_file *f, const char *lines, size_t size)
{
	struct pollfd p = { .fd = f->fd, .events = POLLOUT };

	while (f->done < size) {
		size_t left = size - f->done;
		ssize_t n;

		if (poll(&p, 1, PIPE_WAIT_MS) != 1)
			return -EAGAIN;
		n = write(f->fd, lines + f->done, left < PIPE_ONCE ? left : PIPE_ONCE);
		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		f->done += (size_t)n;
	}
	return 0;
}

int export_file_write(struct export_file *f, const char *lines, size_t size)
{
	int err = f->plain ? write_file(f, lines, size) : write_pipe(f, lines, size);

	if (!err)
		f->done = 0;
	return err;
}

uint64_t export_file_rotations(const struct export_file *f)
{
	return f->rotations;
}
