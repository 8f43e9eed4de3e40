// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lastgood.h"
#include "lib/log.h"

#define FOLDER "manifests"
#define NEW "new"			/* what is being written */
#define HEAD_MAX (PATH_MAX + 128)

struct lastgood {
	bool told;			/* that nothing can be written */
	char dir[PATH_MAX];		/* manifests come from here */
	char kept[PATH_MAX];		/* DATA/manifests */
};

int lastgood_open(struct lastgood **out, const char *data, const char *dir)
{
	struct lastgood *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (!realpath(dir, g->dir))
		snprintf(g->dir, sizeof(g->dir), "%s", dir);
	snprintf(g->kept, sizeof(g->kept), "%s/" FOLDER, data);
	if (mkdir(g->kept, 0700) && errno != EEXIST)
		log_err(-errno, "cannot make '%s': what is wrong when an agent starts, it will not know better", g->kept);
	*out = g;
	return 0;
}

void lastgood_close(struct lastgood *g)
{
	free(g);
}

/* The whole name of a manifest; false: too long, or two lines. */
static bool whole_name(const struct lastgood *g, const char *name, char to[PATH_MAX])
{
	int n = snprintf(to, PATH_MAX, "%s/%s", g->dir, name);

	return n > 0 && n < PATH_MAX && !strchr(to, '\n');
}

static void kept_path(const struct lastgood *g, const char *whole, char *to, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (const char *p = whole; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	snprintf(to, size, "%s/%016" PRIx64, g->kept, h);
}

/* The first line: when the file was written, how large it was, whose it is. */
static void head_line(const char *whole, const struct stat *st, char *to, size_t size)
{
	snprintf(to, size, "%lld.%09ld %lld %s\n", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (long long)st->st_size, whole);
}

/* Reads the first line, and leaves 'f' behind it.  Whose it is, or NULL. */
static const char *read_head(FILE *f, char *line, size_t size)
{
	const char *whole = fgets(line, size, f) ? strchr(line, ' ') : NULL;

	whole = whole ? strchr(whole + 1, ' ') : NULL;
	return whole && line[strlen(line) - 1] == '\n' ? whole + 1 : NULL;
}

static bool is_kept(const char *path, const char *head)
{
	char line[HEAD_MAX];
	FILE *f = fopen(path, "re");
	bool same = f && read_head(f, line, sizeof(line)) && !strcmp(line, head);

	if (f)
		fclose(f);
	return same;
}

void lastgood_keep(struct lastgood *g, const char *name, const char *text, size_t size, const struct stat *st)
{
	char whole[PATH_MAX], path[PATH_MAX + 32], new[PATH_MAX + 32], head[HEAD_MAX];
	bool good;
	FILE *f;

	if (!whole_name(g, name, whole))
		return;
	kept_path(g, whole, path, sizeof(path));
	head_line(whole, st, head, sizeof(head));
	if (is_kept(path, head))
		return;
	snprintf(new, sizeof(new), "%s/" NEW, g->kept);
	f = fopen(new, "we");
	good = f && fputs(head, f) >= 0 && fwrite(text, 1, size, f) == size;
	good = f && !fclose(f) && good && !rename(new, path);
	if (!good && !g->told)
		log_err(-errno, "cannot write in '%s': an agent that starts while a manifest is broken will not know what it "
			"said before", g->kept);
	g->told = !good;
}

int lastgood_recall(struct lastgood *g, const char *name, char **text, size_t *size)
{
	char whole[PATH_MAX], path[PATH_MAX + 32], line[HEAD_MAX];
	const char *whose;
	struct stat st;
	FILE *f = NULL;
	int err = -ENOENT;

	if (whole_name(g, name, whole)) {
		kept_path(g, whole, path, sizeof(path));
		f = fopen(path, "re");
	}
	if (!f)
		return err;
	whose = read_head(f, line, sizeof(line));
	if (whose && !strncmp(whose, whole, strlen(whole)) && whose[strlen(whole)] == '\n' && !fstat(fileno(f), &st)) {
		*text = malloc(st.st_size + 1);
		err = *text ? 0 : -ENOMEM;
		*size = *text ? fread(*text, 1, st.st_size, f) : 0;
	}
	fclose(f);
	return err;
}

void lastgood_drop(struct lastgood *g, const char *name)
{
	char whole[PATH_MAX], path[PATH_MAX + 32];

	if (!whole_name(g, name, whole))
		return;
	kept_path(g, whole, path, sizeof(path));
	unlink(path);
}

/* Is the manifest that this was kept of still there? */
static bool is_needed(int dir, const char *name)
{
	char line[HEAD_MAX];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	const char *whose = f ? read_head(f, line, sizeof(line)) : NULL;
	bool needed = false;

	if (whose) {
		line[strlen(line) - 1] = '\0';
		needed = !access(whose, F_OK);
	}
	if (f)
		fclose(f);
	return needed;
}

typedef bool (*needed_fn)(int dir, const char *name);

static int remove_but(const char *folder, needed_fn needed)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' && !(needed && needed(dirfd(dir), d->d_name)) && unlinkat(dirfd(dir), d->d_name, 0))
			err = -errno;
	closedir(dir);
	return err;
}

void lastgood_sweep(struct lastgood *g)
{
	remove_but(g->kept, is_needed);
}

int lastgood_remove(const char *data)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/" FOLDER, data);
	err = remove_but(path, NULL);
	return err ?: rmdir(path) && errno != ENOENT ? -errno : 0;
}
