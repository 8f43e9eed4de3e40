// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/tree_inside.h"

static int value(struct tree *t, struct json *j);
static int scalar(struct tree *t, const struct json_span *s);

/* The next value of a piece, which begins where it is; what is left is put back. */
int tree_json_next(struct tree *t, struct tree_source *piece, struct complaint *why)
{
	struct json j;
	int err = 0;

	tree_begin(t, why);
	json_read(&j, piece->at, piece->end - piece->at);
	j.line = piece->line;
	err = value(t, &j);
	if (err == -EINVAL && j.error)
		json_complain(&j, why);
	if (err)
		return err;
	json_peek(&j);				/* past the space behind it */
	*piece = (struct tree_source){ j.at, j.end, j.line };
	return 1;
}

static struct tree_place place(const struct json *j)
{
	return (struct tree_place){ j->line, json_column(j) };
}

static int word(struct tree *t, struct json *j)
{
	enum json_kind kind = json_peek(j);
	struct json_span s;

	if (kind == JSON_STRING ? !json_string(j, &s) : !json_word(j, &s))
		return -EINVAL;
	if (kind == JSON_STRING)
		return scalar(t, &s);
	return tree_scalar(t, s.text, s.length, true, (struct tree_place){ s.line, s.column });
}

static int key(struct tree *t, struct json *j)
{
	struct json_span s;

	if (!json_key(j, &s))
		return j->error ? -EINVAL : 0;
	return scalar(t, &s) ?: 1;
}

/* Without recursion: the tree's own depth is the stack. */
static int value(struct tree *t, struct json *j)
{
	int err = 0;

	do {
		enum json_kind kind;

		if (j->depth) {
			bool map = j->close[j->depth - 1] == '}';
			int more = map ? key(t, j) : json_item(j);

			if (j->error || more < 0)
				return more < 0 ? more : -EINVAL;
			if (!more) {
				err = tree_close(t);
				continue;
			}
		}
		kind = json_peek(j);
		if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
			err = tree_open(t, kind == JSON_OBJECT ? TREE_MAP : TREE_LIST, place(j));
			json_enter(j, kind == JSON_OBJECT ? '{' : '[');
		} else {
			err = word(t, j);
		}
	} while (!err && !j->error && j->depth);
	return err ?: j->error ? -EINVAL : 0;
}

static int scalar(struct tree *t, const struct json_span *s)
{
	struct tree_place at = { s->line, s->column };
	char small[512], *plain = small;
	int err = 0;

	if (!s->escaped)
		return tree_scalar(t, s->text, s->length, false, at);
	if (s->length > sizeof(small))
		plain = malloc(s->length);
	if (!plain)
		return -ENOMEM;
	err = tree_scalar(t, plain, json_plain(s, plain), false, at);
	if (plain != small)
		free(plain);
	return err;
}
