// SPDX-License-Identifier: Apache-2.0
/*
 * What a rule says, in one line: "from app=web in ns=shop or 10.0.0.0/8 except 10.1.0.0/16: TCP 80, 8000-8007".  Made
 * from what the compiler keeps, when somebody asks; equal rules give equal text whatever numbers they are made of.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/policy/inside.h"

#define TEXT_MAX 512

struct line {
	char s[TEXT_MAX];
	u32 n;
};

__attribute__((format(printf, 2, 3)))
static void say(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	if (l->n >= sizeof(l->s) - 1)
		return;
	va_start(args, format);
	n = vsnprintf(l->s + l->n, sizeof(l->s) - l->n, format, args);
	va_end(args);
	l->n += n;
	if (l->n >= sizeof(l->s)) {		/* cut short, and says so */
		l->n = sizeof(l->s) - 1;
		memcpy(l->s + l->n - 3, "...", 4);
	}
}

static const char *text(const struct compiler *c, u32 id)
{
	return intern_text_of(&c->texts, id);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Pieces in the order of their text: their numbers differ from agent to agent. */
static void join(struct line *l, char **piece, u32 n, const char *between)
{
	qsort(piece, n, sizeof(*piece), by_text);
	for (u32 i = 0; i < n; i++) {
		say(l, "%s%s", i ? between : "", piece[i]);
		free(piece[i]);
	}
	free(piece);
}

static void say_values(const struct compiler *c, struct line *l, const u32 *w)
{
	u32 n = w[1] & 0xffffff;
	char **piece = calloc(n + 1, sizeof(*piece));

	for (u32 i = 0; i < n; i++)
		piece[i] = strdup(text(c, w[2 + i]));
	join(l, piece, n, ",");
}

static void say_requirement(const struct compiler *c, struct line *l, const u32 *w)
{
	u32 op = w[1] >> 24, n = w[1] & 0xffffff;

	if (op == OP_EXISTS || op == OP_NOT_EXISTS) {
		say(l, "%s%s", op == OP_EXISTS ? "" : "!", text(c, w[0]));
		return;
	}
	say(l, "%s%s", text(c, w[0]), n == 1 ? (op == OP_IN ? "=" : "!=") : op == OP_IN ? " in (" : " not in (");
	say_values(c, l, w);
	say(l, "%s", n == 1 ? "" : ")");
}

static void say_selector(const struct compiler *c, struct line *l, u32 selector)
{
	const struct intern_entry *e = &c->selectors.e[selector];
	char **piece = calloc(e->n + 1, sizeof(*piece));
	u32 n = 0;

	for (u32 i = 0; i < e->n; i += 2 + (e->w[i + 1] & 0xffffff)) {
		struct line one = { .n = 0 };

		say_requirement(c, &one, e->w + i);
		piece[n++] = strdup(one.s);
	}
	join(l, piece, n, ",");
}

static void say_spaces(const struct compiler *c, struct line *l, u32 spaces)
{
	const struct intern_entry *e;

	if (!(spaces & BY_SELECTOR)) {
		say(l, " in ns=%s", text(c, c->space[spaces].name));
		return;
	}
	e = &c->selectors.e[spaces & ~BY_SELECTOR];
	if (!e->n) {
		say(l, " in any namespace");
	} else if (e->n == 3 && e->w[1] == ((u32)OP_IN << 24 | 1) && !strcmp(text(c, e->w[0]), "kubernetes.io/metadata.name")) {
		say(l, " in ns=%s", text(c, e->w[2]));
	} else {
		say(l, " in namespaces with ");
		say_selector(c, l, spaces & ~BY_SELECTOR);
	}
}

static void say_part(const struct compiler *c, struct line *l, u32 part)
{
	u32 spaces = c->parts.e[part].w[0], pods = c->parts.e[part].w[1];
	bool all = !c->selectors.e[pods].n;

	if (spaces == SPACE_NODE) {
		say(l, all ? "all nodes" : "nodes with ");
		say_selector(c, l, pods);
		return;
	}
	if (all)
		say(l, "all pods");
	else
		say_selector(c, l, pods);
	say_spaces(c, l, spaces);
}

static void say_prefix(struct line *l, const u32 *w)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	char buf[INET6_ADDRSTRLEN];
	u8 a[16];

	memcpy(a, w + 1, 16);
	if (w[0] >= 96 && !memcmp(a, mapped, 12))
		say(l, "%s/%u", inet_ntop(AF_INET, a + 12, buf, sizeof(buf)), w[0] - 96);
	else
		say(l, "%s/%u", inet_ntop(AF_INET6, a, buf, sizeof(buf)), w[0]);
}

static void say_block(const struct compiler *c, struct line *l, u32 block)
{
	const struct intern_entry *e = &c->blocks.e[block];

	for (u32 i = 0; i < e->n; i += 5) {
		say(l, "%s", i == 5 ? " except " : i ? ", " : "");
		say_prefix(l, e->w + i);
	}
}

static void say_peers(const struct compiler *c, struct line *l, u32 atom, enum weir_dir dir)
{
	const struct intern_entry *e = &c->atoms.e[atom];	/* no entry of its own for anybody: not read then */
	char **piece = calloc((atom ? e->n : 0) + 1, sizeof(*piece));
	u32 n = 0;

	say(l, dir == WEIR_INGRESS ? "from " : "to ");
	if (!atom || !e->n)
		say(l, atom ? "nobody" : "anywhere");
	for (u32 i = 0; atom && i < e->n; i += 2) {
		struct line one = { .n = 0 };

		if (e->w[i] == PIECE_BLOCK)
			say_block(c, &one, e->w[i + 1]);
		else
			say_part(c, &one, e->w[i + 1]);
		piece[n++] = strdup(one.s);
	}
	join(l, piece, n, " or ");
}

static void say_ports(const struct compiler *c, struct line *l, const u32 *w, u32 n)
{
	u32 before = ~0u;

	for (u32 i = 0; i < n; i++, w += 3) {
		u32 first = w[1] & 0xffff, last = w[1] >> 16;

		say(l, "%s", i ? ", " : ": ");
		if (w[2] != before)
			say(l, "%s ", w[2] == 6 ? "TCP" : w[2] == 17 ? "UDP" : w[2] == 132 ? "SCTP" : "port");
		before = w[2];
		if (w[0])
			say(l, "%s", text(c, w[0]));
		else if (!first && last == 65535)
			say(l, "all ports");
		else
			say(l, first == last ? "%u" : "%u-%u", first, last);
	}
}

char *rule_text(const struct compiler *c, u32 rule)
{
	static const char *const deed[] = { "", "deny ", "pass " };
	const u32 *w = c->rules.e[rule].w;
	struct line l = { .n = 0 };
	char *out;

	say(&l, "%s", deed[w[5] < 3 ? w[5] : 0]);
	say_peers(c, &l, w[6], w[3]);
	if (w[8] != ANY_PORT)
		say_ports(c, &l, w + 9, w[8]);
	out = words_realloc(NULL, l.n + 1);
	return memcpy(out, l.s, l.n + 1);
}
