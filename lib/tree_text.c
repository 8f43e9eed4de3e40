// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "lib/tree_inside.h"

static void skip_mark(struct tree_source *source);
static struct tree_source cut(struct tree_source *source);
static bool blank(const struct tree_source *s);
static bool like_json(struct tree_source *s);
static int either(struct tree *t, struct complaint *why);

/* A text is cut into pieces at its lines '---'; a piece is JSON values one after another, or YAML. */
int tree_next(struct tree *t, struct tree_source *source, const struct tree_node **root, struct complaint *why)
{
	int n = 0;

	complaint_set(why, 0, 0, "%s", "");
	skip_mark(source);
	for (;;) {
		if (t->yaml)
			n = tree_yaml_next(t, NULL, why);
		else if (t->piece.at != t->piece.end)
			n = either(t, why);
		if (n)
			break;
		if (source->at == source->end)
			return 0;
		t->piece = cut(source);
		if (blank(&t->piece))
			t->piece.at = t->piece.end;
	}
	if (n > 0)
		*root = t->root;
	else
		t->piece.at = t->piece.end;
	return n;
}

/* Some editors begin a file with the mark of the byte order, which UTF-8 does not have. */
static void skip_mark(struct tree_source *source)
{
	if (source->line == 1 && source->end - source->at >= 3 && !memcmp(source->at, "\xef\xbb\xbf", 3))
		source->at += 3;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool marks(const char *p, const char *end)
{
	return end - p >= 3 && !memcmp(p, "---", 3) && (end - p == 3 || is_space(p[3]));
}

/* Says a line before '---' something to the reader of YAML ('%YAML 1.1'), or nothing?  Then the piece goes on behind the mark. */
static bool heads(const char *p, const char *end, bool *directive)
{
	*directive |= p < end && *p == '%';
	return p < end && (*p == '%' || *p == '#' || *p == '\n' || *p == '\r');
}

/* From here to the next line '---', the one here apart. */
static struct tree_source cut(struct tree_source *source)
{
	struct tree_source piece = *source;
	const char *p = source->at, *end = source->end;
	bool head = true, directive = false;

	while (p < end) {
		const char *nl = memchr(p, '\n', end - p);

		head = head && heads(p, end, &directive);

		if (!nl) {
			p = end;
			break;
		}
		p = nl + 1;
		source->line++;
		if (marks(p, end) && !(head && directive))
			break;
	}
	piece.end = source->at = p;
	return piece;
}

static bool blank(const struct tree_source *s)
{
	for (const char *p = s->at; p < s->end; p++)
		if (!is_space(*p))
			return false;
	return true;
}

/* Past a '---' and space to a '{'?  If so, the piece begins there. */
static bool like_json(struct tree_source *s)
{
	struct tree_source at = *s;

	if (marks(at.at, at.end))
		at.at += 3;
	for (; at.at < at.end && is_space(*at.at); at.at++)
		at.line += *at.at == '\n';
	if (at.at == at.end || *at.at != '{')
		return false;
	*s = at;
	return true;
}

static bool quotes_keys(const struct tree_source *s)
{
	const char *p = s->at + 1;

	while (p < s->end && is_space(*p))
		p++;
	return p == s->end || *p == '"' || *p == '}';
}

/* YAML in braces begins like JSON.  Of a piece that is neither, the quote of the first key tells which it was to be. */
static int either(struct tree *t, struct complaint *why)
{
	struct tree_source piece = t->piece;
	struct complaint yaml_why;
	int n, y;

	t->piece.at = t->piece.end;
	if (!like_json(&piece))
		return tree_yaml_next(t, &piece, why);
	n = tree_json_next(t, &piece, why);
	if (n > 0)
		t->piece = piece;
	if (n != -EINVAL)
		return n;
	y = tree_yaml_next(t, &piece, &yaml_why);
	if (y == -EINVAL && quotes_keys(&piece))
		return n;
	complaint_set(why, yaml_why.line, yaml_why.column, "%s", y == -EINVAL ? yaml_why.text : "");
	return y;
}
