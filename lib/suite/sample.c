// SPDX-License-Identifier: Apache-2.0
/*
 * A sample: a directory of manifests, and beside it NAME.flows, a table of connections, what becomes of them and who
 * decides.  policies/README.md has the format.
 *
 *	shop/frontend  shop/cart  8080/tcp  allow  egress=shop/frontend:1 ingress=shop/cart:1
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
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

bool suite_is_sample(const char *path)
{
	return is_directory(path) || ends_with(path, ".flows");
}

/* "node/n1" is node n1, unless there is such a pod. */
static void end_name(const struct cluster *cluster, const char *word, char *out, size_t size)
{
	const char *node;

	if (!strncmp(word, "node/", 5) && cluster_who(cluster, word, &node) == CLUSTER_NOBODY)
		snprintf(out, size, "node:%s", word + 5);
	else
		snprintf(out, size, "%s", word);
}

struct flow_line {
	char from[512], to[512];
	__u16 port;
	__u8 proto;
	enum expect want;
	char author[WEIR_DIRS][512];
};

static bool split_line(char *line, struct flow_line *f)
{
	char *word[6] = { NULL }, *save = NULL, *end;
	unsigned int n = 0;

	for (char *w = strtok_r(line, " \t\r\n", &save); w; w = strtok_r(NULL, " \t\r\n", &save)) {
		if (n == 6)
			return false;
		word[n++] = w;
	}
	if (n < 4)
		return false;
	snprintf(f->from, sizeof(f->from), "%s", word[0]);
	snprintf(f->to, sizeof(f->to), "%s", word[1]);
	f->port = strtoul(word[2], &end, 10);
	f->proto = *end == '/' ? proto_read(end + 1) : 0;
	f->want = !strcmp(word[3], "allow") ? EXPECT_ALLOW : !strcmp(word[3], "deny") ? EXPECT_DENY : EXPECT_UNSAID;
	for (unsigned int i = 4; i < n; i++) {
		if (!strncmp(word[i], "egress=", 7))
			snprintf(f->author[WEIR_EGRESS], 512, "%s", word[i] + 7);
		else if (!strncmp(word[i], "ingress=", 8))
			snprintf(f->author[WEIR_INGRESS], 512, "%s", word[i] + 8);
		else
			return false;
	}
	return f->proto && f->want != EXPECT_UNSAID;
}

static void add_flow(struct deed *d, const struct cluster *cluster, const struct flow_line *f, unsigned int family,
		     unsigned int number)
{
	char from[520], to[520];
	struct cell *c;

	end_name(cluster, f->from, from, sizeof(from));
	end_name(cluster, f->to, to, sizeof(to));
	c = suite_add_cell(d, from, to);
	c->family = family;
	c->port = f->port;
	c->proto = f->proto == IPPROTO_ICMP && family == 6 ? IPPROTO_ICMPV6 : f->proto;
	c->want = f->want;
	c->service = true;
	c->line = number;
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		c->author[dir] = *f->author[dir] ? strdup(f->author[dir]) : NULL;
}

/* Every family that both ends have. */
static int read_line(struct deed *d, const struct cluster *cluster, char *line, unsigned int number, struct complaint *why)
{
	struct flow_line f = { .proto = 0 };
	char from[520], to[520];
	bool any = false;

	line[strcspn(line, "#\n")] = 0;
	if (!line[strspn(line, " \t\r")])
		return 0;
	if (!split_line(line, &f)) {
		complaint_set(why, number, 1, "a flow is 'SOURCE DESTINATION PORT/PROTOCOL allow|deny [egress=AUTHOR] "
			      "[ingress=AUTHOR]'");
		return -EINVAL;
	}
	end_name(cluster, f.from, from, sizeof(from));
	end_name(cluster, f.to, to, sizeof(to));
	for (unsigned int family = 4; family <= 6; family += 2)
		if (cluster_has_family(cluster, from, family) && cluster_has_family(cluster, to, family)) {
			add_flow(d, cluster, &f, family, number);
			any = true;
		}
	if (!any)
		complaint_set(why, number, 1, "'%s' and '%s' have no address of one family, or one of them is not there", from, to);
	return any ? 0 : -EINVAL;
}

static int read_flows(struct deed *d, const struct cluster *cluster, const char *path, struct complaint *why)
{
	FILE *f = fopen(path, "re");
	unsigned int number = 0;
	char line[2048];
	int err = 0;

	if (!f)
		err = -errno;
	while (!err && fgets(line, sizeof(line), f))
		err = read_line(d, cluster, line, ++number, why);
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

/* NAME, NAME/ or NAME.flows: the directory and its table. */
static void sample_paths(const char *path, char dir[4096], char flows[4200])
{
	snprintf(dir, 4096, "%s", path);
	if (ends_with(dir, ".flows"))
		*strrchr(dir, '.') = 0;
	while (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = 0;
	snprintf(flows, 4200, "%s.flows", dir);
}

int suite_read_sample(struct suite *s, struct complaint *why)
{
	char dir[4096], flows[4200];
	struct cluster *cluster;
	struct suite_case *c;
	int err;

	sample_paths(s->path, dir, flows);
	err = read_manifests_of(s, dir, why);
	if (err)
		return err;
	c = suite_add_case(s, s->name, "", NULL);
	cluster = suite_begin(s, c);
	err = read_flows(suite_add_deed(c, DEED_CELLS, "1", NULL), cluster, flows, why);
	cluster_free(cluster);
	return err;
}
