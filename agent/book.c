// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/endpoint.h>

#include "agent/book.h"

#define HEADER "weir endpoints 1\n"

struct book {
	char *who[WEIR_ENDPOINTS];	/* ns, zero, name */
	bool changed;
	char path[PATH_MAX];
};

static int load(struct book *b);

int book_open(struct book **out, const char *dir)
{
	struct book *b = calloc(1, sizeof(*b));
	int err = 0;

	if (!b)
		return -ENOMEM;
	if (dir) {
		snprintf(b->path, sizeof(b->path), "%s/endpoints", dir);
		err = load(b);
	}
	if (err) {
		book_close(b);
		return err;
	}
	*out = b;
	return 0;
}

void book_close(struct book *b)
{
	if (!b)
		return;
	for (unsigned int i = 0; i < WEIR_ENDPOINTS; i++)
		free(b->who[i]);
	free(b);
}

void book_set(struct book *b, unsigned int number, const char *ns, const char *name)
{
	size_t size = strlen(ns) + 1, rest = strlen(name) + 1;
	const char *old_ns, *old_name;
	char *who;

	if (number >= WEIR_ENDPOINTS)
		return;
	if (book_get(b, number, &old_ns, &old_name) && !strcmp(old_ns, ns) && !strcmp(old_name, name))
		return;
	who = malloc(size + rest);
	if (!who)
		return;
	memcpy(who, ns, size);
	memcpy(who + size, name, rest);
	free(b->who[number]);
	b->who[number] = who;
	b->changed = true;
}

void book_clear(struct book *b, unsigned int number)
{
	if (number >= WEIR_ENDPOINTS || !b->who[number])
		return;
	free(b->who[number]);
	b->who[number] = NULL;
	b->changed = true;
}

bool book_get(const struct book *b, unsigned int number, const char **ns, const char **name)
{
	if (number >= WEIR_ENDPOINTS || !b->who[number])
		return false;
	*ns = b->who[number];
	*name = *ns + strlen(*ns) + 1;
	return true;
}

int book_write(struct book *b)
{
	char new[PATH_MAX + 8];
	int bad;
	FILE *f;

	if (!b->changed || !b->path[0])
		return 0;
	snprintf(new, sizeof(new), "%s.new", b->path);
	f = fopen(new, "we");
	if (!f)
		return -errno;
	fputs(HEADER, f);
	for (unsigned int i = 0; i < WEIR_ENDPOINTS; i++)
		if (b->who[i])
			fprintf(f, "%u %s/%s\n", i, b->who[i], b->who[i] + strlen(b->who[i]) + 1);
	bad = ferror(f);
	if (fclose(f) || bad || rename(new, b->path))
		return errno ? -errno : -EIO;
	b->changed = false;
	return 0;
}

static int load(struct book *b)
{
	char ns[256], name[256], line[600];
	unsigned int number;
	FILE *f = fopen(b->path, "re");

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fgets(line, sizeof(line), f) && !strcmp(line, HEADER))
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "%u %255[^/\n]/%255[^\n]", &number, ns, name) == 3)
				book_set(b, number, ns, name);
	fclose(f);
	b->changed = false;
	return 0;
}
