// SPDX-License-Identifier: Apache-2.0
/*
 * A sample: a directory of manifests, and beside them NAME.flows, a table of connections and what becomes of them.
 *
 *	# from            to                       verdict
 *	shop/frontend     shop/cart:8080/TCP       allow
 *	198.51.100.7      shop/frontend:443/TCP    allow
 *	shop/rogue        [2001:db8::7]:53/UDP     deny
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/suite/read.h"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool access_missing(const char *path)
{
	struct stat st;

	return stat(path, &st);
}

bool suite_is_sample(const char *path)
{
	return is_directory(path) || ends_with(path, ".flows");
}

/* "shop/cart:8080/TCP" -> name, port, protocol */
static bool read_target(struct cell *c)
{
	char *slash = strrchr(c->to, '/'), *colon;

	if (!slash)
		return false;
	c->proto = proto_read(slash + 1);
	*slash = 0;
	colon = strrchr(c->to, ':');
	if (!colon)
		return false;
	c->port = strtoul(colon + 1, NULL, 10);
	*colon = 0;
	if (c->to[0] == '[') {
		memmove(c->to, c->to + 1, strlen(c->to));
		c->to[strcspn(c->to, "]")] = 0;
	}
	return c->proto;
}

static int read_line(struct deed *d, char *line, unsigned int number, struct complaint *why)
{
	char from[512], to[512], verdict[32], rest[2];
	struct cell *c;
	int n;

	line[strcspn(line, "#\n")] = 0;
	n = sscanf(line, "%511s %511s %31s %1s", from, to, verdict, rest);
	if (n <= 0)
		return 0;
	if (n == 3) {
		c = suite_add_cell(d, from, to);
		c->line = number;
		c->want = !strcmp(verdict, "allow") ? EXPECT_ALLOW : !strcmp(verdict, "deny") ? EXPECT_DENY : EXPECT_UNSAID;
		c->service = true;
		if (c->want != EXPECT_UNSAID && read_target(c))
			return 0;
	}
	complaint_set(why, number, 1, "a flow is 'from to:port/protocol allow|deny'");
	return -EINVAL;
}

static int read_flows(struct deed *d, const char *path, struct complaint *why)
{
	FILE *f = fopen(path, "re");
	unsigned int number = 0;
	char line[2048];
	int err = 0;

	if (!f)
		err = -errno;
	while (!err && fgets(line, sizeof(line), f))
		err = read_line(d, line, ++number, why);
	if (err == -ENOENT)
		complaint_set(why, 0, 0, "is missing: a sample needs its table of flows");
	if (err)
		complaint_file(why, path);
	if (f)
		fclose(f);
	return err;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_manifests_of(struct suite *s, const char *dir, struct complaint *why)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, by_name), err = n < 0 ? -errno : 0;

	s->docs = value_list();
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		struct value *docs;
		char path[4096];

		if (!err && *name != '.' && (ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json"))) {
			snprintf(path, sizeof(path), "%s/%s", dir, name);
			docs = value_read_file(path, why);
			if (!docs)
				err = -EINVAL;
			for value_each(m, docs)
				value_add(s->docs, value_copy(m));
			value_free(docs);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return err;
}

int suite_read_sample(struct suite *s, struct complaint *why)
{
	char dir[4096], flows[4096 + 300];
	struct suite_case *c;
	int err;

	snprintf(dir, sizeof(dir), "%s", s->path);
	if (ends_with(dir, ".flows"))
		*strrchr(dir, '.') = 0;
	while (strlen(dir) > 1 && ends_with(dir, "/"))
		dir[strlen(dir) - 1] = 0;
	snprintf(flows, sizeof(flows), "%s.flows", dir);
	if (!is_directory(dir)) {			/* NAME/NAME.flows named itself */
		snprintf(flows, sizeof(flows), "%s", s->path);
		if (strrchr(dir, '/'))
			*strrchr(dir, '/') = 0;
	} else if (access_missing(flows)) {
		snprintf(flows, sizeof(flows), "%s/%s.flows", dir, s->name);
	}
	err = read_manifests_of(s, dir, why);
	if (err)
		return err;
	c = suite_add_case(s, s->name, "", NULL);
	return read_flows(suite_add_deed(c, DEED_CELLS, "1", NULL), flows, why);
}
