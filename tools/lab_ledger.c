// SPDX-License-Identifier: Apache-2.0
/* A lab's ledger: what was made, noted before it is made. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/files.h"
#include "tools/lab.h"

#define LABS_MAX 256

static int parse_ledger(struct lab *lab, char *text);

static bool name_is_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && !name[n] && n <= LAB_NAME_MAX && *name != '-';
}

static int lab_new(struct lab **out, const char *name, struct complaint *why)
{
	struct lab *lab;

	if (!name_is_good(name)) {
		complaint_set(why, 0, 0, "'%s' is no name for a lab: small letters, digits and '-', at most %d", name,
			      LAB_NAME_MAX);
		return -EINVAL;
	}
	lab = calloc(1, sizeof(*lab));
	if (!lab)
		return -ENOMEM;
	lab->fd = -1;
	strcpy(lab->name, name);
	snprintf(lab->dir, sizeof(lab->dir), LAB_DIR "/%s", name);
	*out = lab;
	return 0;
}

int lab_make(struct lab **out, const char *name, struct complaint *why)
{
	struct lab *lab;
	char path[PATH_MAX];
	int err = lab_new(&lab, name, why);

	if (err)
		return err;
	mkdir(LAB_DIR, 0755);
	if (mkdir(lab->dir, 0755) < 0) {
		err = -errno;
		complaint_set(why, 0, 0, err == -EEXIST ? "a lab '%s' is there already ('weir lab down %s' takes it down)" :
			      "cannot make a lab '%s' below " LAB_DIR ": %s", name, err == -EEXIST ? name : strerror(-err));
		lab_close(lab);
		return err;
	}
	path_join(path, sizeof(path), lab->dir, "ledger");
	lab->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (lab->fd < 0) {
		err = -errno;
		complaint_set(why, 0, 0, "cannot write '%s': %s", path, strerror(-err));
		rmdir(lab->dir);
		lab_close(lab);
		return err;
	}
	*out = lab;
	return 0;
}

/* The only lab there is. */
static int only_name(char name[LAB_NAME_MAX + 1], struct complaint *why)
{
	char names[2][LAB_NAME_MAX + 1];
	int n = lab_names(names, 2);

	if (n == 1) {
		strcpy(name, names[0]);
		return 0;
	}
	if (n == 0)
		complaint_set(why, 0, 0, "no lab is up ('weir lab up DIR' or 'weir lab up demo' makes one)");
	else
		complaint_set(why, 0, 0, "%d labs are up, '%s' and '%s'%s: say which", n, names[0], names[1],
			      n > 2 ? " among them" : "");
	return -ENOENT;
}

int lab_find(struct lab **out, const char *name, struct complaint *why)
{
	struct lab *lab;
	char path[PATH_MAX], only[LAB_NAME_MAX + 1], *text;
	size_t size;
	int err = name ? 0 : only_name(only, why);

	if (!err)
		err = lab_new(&lab, name ? name : only, why);
	if (err)
		return err;
	path_join(path, sizeof(path), lab->dir, "ledger");
	err = file_read(path, &text, &size);
	if (!err) {
		err = parse_ledger(lab, text);
		free(text);
	} else if (err == -ENOENT && access(lab->dir, F_OK) == 0) {
		err = 0;		/* it crashed before its first line */
	}
	if (err) {
		complaint_set(why, 0, 0, err == -ENOENT ? "no lab '%s' is up" : "cannot read the ledger of '%s': %s", lab->name,
			      strerror(-err));
		lab_close(lab);
		return err;
	}
	*out = lab;
	return 0;
}

void lab_close(struct lab *lab)
{
	if (!lab)
		return;
	if (lab->fd >= 0)
		close(lab->fd);
	free(lab->line);
	free(lab);
}

static int is_name(const struct dirent *d)
{
	return name_is_good(d->d_name);
}

int lab_names(char (*names)[LAB_NAME_MAX + 1], int max)
{
	struct dirent **entry;
	int n = scandir(LAB_DIR, &entry, is_name, alphasort);

	for (int i = 0; i < n; i++) {
		if (i < max)
			strcpy(names[i], entry[i]->d_name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return n < 0 ? 0 : n;
}

const char *lab_several(void)
{
	enum { NAMED = 4 };
	static char said[NAMED * (LAB_NAME_MAX + 4) + 32];
	char names[NAMED][LAB_NAME_MAX + 1];
	int n = lab_names(names, NAMED), at = 0;

	for (int i = 0; i < n && i < NAMED; i++)
		at += snprintf(said + at, sizeof(said) - at, "%s%s", i ? ", " : "", names[i]);
	if (n > NAMED)
		snprintf(said + at, sizeof(said) - at, " and %d more", n - NAMED);
	return n > 1 ? said : NULL;
}

static int remember(struct lab *lab, const struct lab_line *line)
{
	if (lab->nlines == lab->room) {
		size_t room = lab->room ? lab->room * 2 : 32;
		struct lab_line *more = realloc(lab->line, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		lab->line = more;
		lab->room = room;
	}
	lab->line[lab->nlines++] = *line;
	return 0;
}

/* A line without its end was being written when the writer died: the thing was not made yet. */
static int parse_ledger(struct lab *lab, char *text)
{
	int err = 0;

	for (char *end; !err && (end = strchr(text, '\n')); text = end + 1) {
		struct lab_line line = { .kind = "" };
		char *word;

		*end = '\0';
		word = strsep(&text, "\t");
		snprintf(line.kind, sizeof(line.kind), "%s", word);
		for (int i = 0; i < 3 && (word = strsep(&text, "\t")); i++)
			snprintf(line.word[i], sizeof(line.word[i]), "%s", word);
		err = remember(lab, &line);
	}
	return err;
}

int lab_note(struct lab *lab, const char *kind, const char *a, const char *b, const char *c)
{
	struct lab_line line = { .kind = "" };
	char text[PATH_MAX * 2];
	int n;

	snprintf(line.kind, sizeof(line.kind), "%s", kind);
	snprintf(line.word[0], sizeof(line.word[0]), "%s", a ? a : "");
	snprintf(line.word[1], sizeof(line.word[1]), "%s", b ? b : "");
	snprintf(line.word[2], sizeof(line.word[2]), "%s", c ? c : "");
	n = snprintf(text, sizeof(text), "%s\t%s\t%s\t%s\n", line.kind, line.word[0], line.word[1], line.word[2]);
	if (n >= (int)sizeof(text))
		return -ENAMETOOLONG;
	if (write(lab->fd, text, n) != n)
		return -EIO;
	return remember(lab, &line);
}

/* When a process began, in ticks since boot, as /proc tells; 0: no such process. */
static unsigned long long started(pid_t pid)
{
	unsigned long long start = 0;
	char path[64], text[1024], *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* the name may hold blanks and brackets: fields are counted from the last bracket */
	if (fgets(text, sizeof(text), f) && (at = strrchr(text, ')')) && at[2] != 'Z')
		sscanf(at + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &start);
	fclose(f);
	return start;
}

int lab_note_process(struct lab *lab, const char *kind, pid_t pid, const char *what)
{
	char number[24], start[24];

	snprintf(number, sizeof(number), "%d", pid);
	snprintf(start, sizeof(start), "%llu", started(pid));
	return lab_note(lab, kind, number, start, what);
}

const struct lab_line *lab_line(const struct lab *lab, const char *kind, const char *first_word)
{
	for (size_t i = 0; i < lab->nlines; i++)
		if (!strcmp(lab->line[i].kind, kind) && (!first_word || !strcmp(lab->line[i].word[0], first_word)))
			return &lab->line[i];
	return NULL;
}

bool lab_process_lives(const struct lab_line *line)
{
	unsigned long long start = started(atoi(line->word[0]));

	return start && start == strtoull(line->word[1], NULL, 10);
}

void lab_netns(const struct lab *lab, const char *who, char *buf, size_t size)
{
	size_t n = snprintf(buf, size, "weir-%s+%s", lab->name, who);

	/* '+' is in no name of Kubernetes', so a/b-c and a-b/c differ */
	for (size_t i = 0; i < n && i < size; i++)
		if (buf[i] == '/')
			buf[i] = '+';
}

void lab_file(const struct lab *lab, const char *node, const char *what, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s.%s", lab->dir, node, what);
}
