// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/rules.h"

#define BUCKETS 4096
#define SPARE_LINES 4096		/* dead lines that the file may carry before it is written anew */
#define HEADER "weir rules 1"

struct rules {
	struct rule_name *by_number[BUCKETS], *by_what[BUCKETS];
	struct rule_name *limbo;	/* by 'by_what': freed when every thread has passed a quiet point */
	struct quiet *quiet;		/* not ours; NULL: one thread */
	uint32_t next;
	unsigned int alive, lines;
	struct rule_name *of[WEIR_RULES];
	uint32_t number[WEIR_RULES];	/* the reader's view of 'of' */
	char *line;			/* not yet in the file */
	size_t size, room;
	int fd, dirfd;
};

static int load(struct rules *r);
static int rewrite(struct rules *r);
static struct rule_name *find(const struct rules *r, const struct compile_rule *rule);
static struct rule_name *add(struct rules *r, uint32_t number, const struct compile_rule *rule);
static int append(struct rules *r, const struct rule_name *name);
static void bind_number(struct rules *r, struct rule_name *name, uint16_t kernel, uint64_t now);
static void end_limbo(struct rules *r);

int rules_open(struct rules **out, const char *dir)
{
	struct rules *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->fd = r->dirfd = -1;
	r->next = WEIR_RULE_FIRST;
	for (uint32_t i = 0; i < WEIR_RULE_FIRST; i++)
		r->number[i] = i;
	if (dir) {
		r->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = r->dirfd < 0 ? -errno : load(r);
		if (!err)
			err = rewrite(r);
	}
	if (err) {
		rules_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void rules_close(struct rules *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < BUCKETS; i++) {
		while (r->by_number[i]) {
			struct rule_name *name = r->by_number[i];

			r->by_number[i] = name->by_number;
			free(name);
		}
	}
	r->quiet = NULL;
	end_limbo(r);
	if (r->fd >= 0)
		close(r->fd);
	if (r->dirfd >= 0)
		close(r->dirfd);
	free(r->line);
	free(r);
}

void rules_share(struct rules *r, struct quiet *quiet)
{
	r->quiet = quiet;
}

int rules_publish(struct rules *r, uint16_t kernel, const struct compile_rule *rule, uint64_t now)
{
	struct rule_name *name = find(r, rule);
	int err;

	if (name && name == r->of[kernel])
		return 0;
	if (!name)
		name = add(r, r->next++, rule);
	if (!name)
		return -ENOMEM;
	bind_number(r, name, kernel, now);
	err = append(r, name);
	return err;
}

int rules_flush(struct rules *r)
{
	size_t done = 0;

	while (r->fd >= 0 && done < r->size) {
		ssize_t n = write(r->fd, r->line + done, r->size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? n : 0;
	}
	r->size = 0;
	return r->fd >= 0 && r->lines > 2 * r->alive + SPARE_LINES ? rewrite(r) : 0;
}

static void end_limbo(struct rules *r)
{
	struct rule_name **at = &r->limbo, *name;

	while ((name = *at)) {
		if (r->quiet && !quiet_passed(r->quiet, name->dead_at)) {
			at = &name->by_what;
			continue;
		}
		*at = name->by_what;
		free(name);
	}
}

/* Out of both chains.  Who walks by number may stand on it, and goes on from there. */
static void unlink_name(struct rules *r, struct rule_name **at, uint64_t mark)
{
	struct rule_name *name = *at, **what = &r->by_what[name->bucket];

	__atomic_store_n(at, name->by_number, __ATOMIC_RELEASE);
	while (*what != name)
		what = &(*what)->by_what;
	*what = name->by_what;
	name->dead_at = mark;
	name->by_what = r->limbo;
	r->limbo = name;
}

void rules_forget(struct rules *r, uint64_t oldest)
{
	struct rule_name *gone = NULL;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		struct rule_name **at = &r->by_number[i], *name;

		while ((name = *at)) {
			if (name->alive || name->dead_at > oldest)
				at = &name->by_number;
			else
				unlink_name(r, at, UINT64_MAX);
		}
	}
	for (gone = r->limbo; gone && gone->dead_at == UINT64_MAX; gone = gone->by_what)
		gone->dead_at = r->quiet ? quiet_mark(r->quiet) : 0;
	end_limbo(r);
}

uint32_t rules_number(const struct rules *r, uint16_t kernel)
{
	return __atomic_load_n(&r->number[kernel], __ATOMIC_ACQUIRE);
}

const struct rule_name *rules_get(const struct rules *r, uint32_t number)
{
	struct rule_name *name = __atomic_load_n(&r->by_number[number % BUCKETS], __ATOMIC_ACQUIRE);

	while (name && name->number != number)
		name = __atomic_load_n(&name->by_number, __ATOMIC_ACQUIRE);
	return name;
}

const struct rule_name *rules_of(const struct rules *r, uint16_t kernel)
{
	return r->of[kernel];
}

const char *rules_fixed_text(uint32_t number)
{
	switch (number) {
	case WEIR_RULE_OPEN:
		return "no policy isolates the pod";
	case WEIR_RULE_ISOLATED:
		return "policies isolate the pod, and no rule of theirs matches";
	case WEIR_RULE_CLOSED:
		return "mode default-deny, and no rule allows it";
	case WEIR_RULE_NODE:
		return "a pod's own node is always let in";
	case WEIR_RULE_REMOTE:
		return "judged where the other side lives";
	default:
		return "";
	}
}

static uint32_t hash_what(const struct compile_rule *rule)
{
	uint64_t h = 0xcbf29ce484222325ULL + rule->dir + ((uint64_t)rule->index << 8);

	for (const char *p = rule->ns; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	for (const char *p = rule->policy; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	for (const char *p = rule->text; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	return (h ^ h >> 32) % BUCKETS;
}

static struct rule_name *find(const struct rules *r, const struct compile_rule *rule)
{
	struct rule_name *n = r->by_what[hash_what(rule)];

	while (n && !(n->tier == rule->tier && n->dir == rule->dir && n->index == rule->index &&
		      !strcmp(n->ns, rule->ns) && !strcmp(n->policy, rule->policy) && !strcmp(n->name, rule->name) &&
		      !strcmp(n->text, rule->text)))
		n = n->by_what;
	return n;
}

/* Copies a string, one line and one column of it. */
static const char *keep(char **at, const char *text)
{
	char *begin = *at;

	for (; *text; text++)
		*(*at)++ = *text == '\t' || *text == '\n' ? ' ' : *text;
	*(*at)++ = '\0';
	return begin;
}

/* By what the text names: peers, ports, or protocols alone. */
static uint8_t match_of(const char *text)
{
	enum { L3 = 1, L3_L4, L4, ALL, L3_PROTO, PROTO };
	bool anybody = strstr(text, "from anywhere") || strstr(text, "to anywhere");
	const char *ports = strrchr(text, ':');

	if (ports && strncmp(ports, ": TCP ", 6) && strncmp(ports, ": UDP ", 6) && strncmp(ports, ": SCTP ", 7) &&
	    strncmp(ports, ": port ", 7))
		ports = NULL;		/* of an IPv6 prefix */
	if (!ports)
		return anybody ? ALL : L3;
	if (strstr(ports, "all ports"))
		return anybody ? PROTO : L3_PROTO;
	return anybody ? L4 : L3_L4;
}

static struct rule_name *add(struct rules *r, uint32_t number, const struct compile_rule *rule)
{
	size_t size = strlen(rule->ns) + strlen(rule->policy) + strlen(rule->name) + strlen(rule->text) + 4;
	struct rule_name *n = calloc(1, sizeof(*n) + size), **chain;
	char *at;

	if (!n)
		return NULL;
	n->number = number;
	n->tier = rule->tier;
	n->dir = rule->dir;
	n->index = rule->index;
	at = n->bytes;
	n->ns = keep(&at, rule->ns);
	n->policy = keep(&at, rule->policy);
	n->name = keep(&at, rule->name);
	n->text = keep(&at, rule->text);
	n->denies = !strncmp(n->text, "deny ", 5);
	n->match = match_of(n->text);
	chain = &r->by_number[number % BUCKETS];
	n->by_number = *chain;
	__atomic_store_n(chain, n, __ATOMIC_RELEASE);
	n->bucket = hash_what(rule);
	chain = &r->by_what[n->bucket];
	n->by_what = *chain;
	*chain = n;
	return n;
}

static void bind_number(struct rules *r, struct rule_name *name, uint16_t kernel, uint64_t now)
{
	struct rule_name *before = r->of[kernel];

	if (before && before != name) {
		before->alive = false;
		before->dead_at = now;
		r->alive--;
	}
	if (name->alive && r->of[name->kernel] == name && name->kernel != kernel)
		r->of[name->kernel] = NULL;	/* two numbers at once: the older keeps its meaning for the reader */
	else if (!name->alive)
		r->alive++;
	name->alive = true;
	name->kernel = kernel;
	r->of[kernel] = name;
	__atomic_store_n(&r->number[kernel], name->number, __ATOMIC_RELEASE);
}

static int append(struct rules *r, const struct rule_name *n)
{
	size_t need = strlen(n->ns) + strlen(n->policy) + strlen(n->name) + strlen(n->text) + 64;

	if (r->dirfd < 0)
		return 0;
	if (r->size + need > r->room) {
		size_t room = (r->size + need) * 2;
		char *more = realloc(r->line, room);

		if (!more)
			return -ENOMEM;
		r->line = more;
		r->room = room;
	}
	r->size += snprintf(r->line + r->size, r->room - r->size, "%u\t%u\t%u\t%u\t%u\t%s\t%s\t%s\t%s\n", n->number,
			    n->kernel, n->tier, n->dir, n->index, n->ns, n->policy, n->name, n->text);
	r->lines++;
	return 0;
}

/* One line of the file; one that makes no sense (a torn last one) is passed over. */
static int load_line(struct rules *r, char *line)
{
	struct compile_rule rule = { 0 };
	const char *field[9];
	unsigned int n = 0;
	struct rule_name *name;
	unsigned long number, kernel;

	while (n < 9 && (field[n] = strsep(&line, "\t")))
		n++;
	if (n < 9)
		return 0;
	number = strtoul(field[0], NULL, 10);
	kernel = strtoul(field[1], NULL, 10);
	if (number < WEIR_RULE_FIRST || number > UINT32_MAX || kernel < WEIR_RULE_FIRST || kernel >= WEIR_RULES)
		return 0;
	rule.tier = strtoul(field[2], NULL, 10);
	rule.dir = strtoul(field[3], NULL, 10) & 1;
	rule.index = strtoul(field[4], NULL, 10);
	rule.ns = field[5];
	rule.policy = field[6];
	rule.name = field[7];
	rule.text = field[8];
	name = find(r, &rule) ?: add(r, number, &rule);
	if (!name)
		return -ENOMEM;
	if (number >= r->next)
		r->next = number + 1;
	bind_number(r, name, kernel, 0);
	return 0;
}

static int load(struct rules *r)
{
	int fd = openat(r->dirfd, "rules", O_RDONLY | O_CLOEXEC), err = 0;
	unsigned int next;
	size_t room = 0;
	char *line = NULL;
	FILE *f;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	if (getline(&line, &room, f) > 0 && sscanf(line, HEADER " %u", &next) == 1) {
		if (next > r->next)
			r->next = next;
		while (!err && (n = getline(&line, &room, f)) > 0 && line[n - 1] == '\n') {
			line[n - 1] = '\0';
			err = load_line(r, line);
		}
	}
	free(line);
	fclose(f);
	return err;
}

/* The file anew, with those that are alive alone; the old one stays whole until the new one is. */
static int rewrite(struct rules *r)
{
	int fd = openat(r->dirfd, "rules.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err = 0;
	char header[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = snprintf(header, sizeof(header), HEADER " %u\n", r->next);
	if (write(fd, header, n) != n)
		err = -EIO;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = fd;
	r->lines = 0;
	for (unsigned int i = WEIR_RULE_FIRST; i < WEIR_RULES && !err; i++)
		if (r->of[i])
			err = append(r, r->of[i]);
	if (!err)
		err = rules_flush(r);
	if (!err && renameat(r->dirfd, "rules.new", r->dirfd, "rules"))
		err = -errno;
	return err;
}
