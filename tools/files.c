// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/files.h"

#define FILE_MAX (64U << 20)

static int is_manifest(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

int path_join(char *to, size_t size, const char *dir, const char *name)
{
	return snprintf(to, size, "%s/%s", dir, name) < (int)size ? 0 : -ENAMETOOLONG;
}

int files_each(const char *path, file_fn fn, void *ctx)
{
	struct dirent **entry;
	struct stat st;
	char file[PATH_MAX];
	int n, err = 0;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return fn(ctx, path);
	n = scandir(path, &entry, is_manifest, alphasort);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!err)
			err = path_join(file, sizeof(file), path, entry[i]->d_name);
		if (!err)
			err = fn(ctx, file);
		free(entry[i]);
	}
	free(entry);
	return err;
}

static int read_all(int fd, char *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, to + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;	/* shorter than it said */
		at += n;
	}
	return 0;
}

int file_read(const char *path, char **out, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	char *text = NULL;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EISDIR;
	else if (st.st_size > FILE_MAX)
		err = -EFBIG;
	if (!err) {
		text = malloc(st.st_size + 1);
		err = text ? read_all(fd, text, st.st_size) : -ENOMEM;
	}
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	text[st.st_size] = '\0';
	*out = text;
	*size = st.st_size;
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
