// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/files.h"

#define FILE_MAX (64U << 20)

static int is_seen(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool is_manifest(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '#' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

int path_join(char *to, size_t size, const char *dir, const char *name)
{
	return snprintf(to, size, "%s/%s", dir, name) < (int)size ? 0 : -ENAMETOOLONG;
}

static int each_in(const char *dir, bool deep, file_fn fn, void *ctx);

/* As the agent does: a file, or a folder one step down; what is neither, or leads nowhere, is nothing. */
static int one(const char *dir, const char *name, bool deep, file_fn fn, void *ctx)
{
	char path[PATH_MAX];
	struct stat st;
	int err = path_join(path, sizeof(path), dir, name);

	if (err)
		return err;
	if (stat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return deep ? each_in(path, false, fn, ctx) : 0;
	return S_ISREG(st.st_mode) && is_manifest(name) ? fn(ctx, path) : 0;
}

static int each_in(const char *dir, bool deep, file_fn fn, void *ctx)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, is_seen, alphasort), err = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!err)
			err = one(dir, entry[i]->d_name, deep, fn, ctx);
		free(entry[i]);
	}
	free(entry);
	return err;
}

int files_each(const char *path, file_fn fn, void *ctx)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? each_in(path, true, fn, ctx) : fn(ctx, path);
}

/* To the end, however long it is: what comes through a pipe does not say. */
static int read_all(int fd, char **text, size_t room, size_t *size)
{
	ssize_t n = 1;
	char *more;

	for (*size = 0; n; *size += n > 0 ? n : 0) {
		if (*size > FILE_MAX)
			return -EFBIG;
		if (!*text || *size + 1 >= room) {
			room = *text ? room * 2 : room;
			more = realloc(*text, room);
			if (!more)
				return -ENOMEM;
			*text = more;
		}
		n = read(fd, *text + *size, room - *size - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	(*text)[*size] = '\0';
	return 0;
}

int file_read(const char *path, char **out, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	char *text = NULL;
	size_t n = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (st.st_size > FILE_MAX)
		err = -EFBIG;
	if (!err)
		err = read_all(fd, &text, S_ISREG(st.st_mode) ? st.st_size + 2 : 65536, &n);
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	*out = text;
	*size = n;
	return 0;
}

int file_write(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), err = 0;

	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < size && !err;) {
		ssize_t n = write(fd, text + at, size - at);

		if (n < 0 && errno != EINTR)
			err = -errno;
		else if (n > 0)
			at += n;
	}
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}
