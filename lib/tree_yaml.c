// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "lib/tree_inside.h"

/* libyaml in the middle of a piece: documents may also be parted by '...'. */
struct tree_yaml {
	yaml_parser_t parser;
	struct tree_source piece;
};

static int start(struct tree *t, const struct tree_source *piece);
static int document(struct tree *t);
static int take(struct tree *t, const yaml_event_t *e);
static int broken(struct tree *t);

/* The next document of the piece; on anything but a document the piece is done. */
int tree_yaml_next(struct tree *t, const struct tree_source *piece, struct complaint *why)
{
	int err = 0;

	tree_begin(t, why);
	if (!t->yaml)
		err = start(t, piece);
	if (!err)
		err = document(t);
	if (err <= 0)
		tree_yaml_stop(t);
	return err;
}

void tree_yaml_stop(struct tree *t)
{
	if (!t->yaml)
		return;
	yaml_parser_delete(&t->yaml->parser);
	free(t->yaml);
	t->yaml = NULL;
}

static int start(struct tree *t, const struct tree_source *piece)
{
	struct tree_yaml *y = calloc(1, sizeof(*y));

	if (!y)
		return -ENOMEM;
	if (!yaml_parser_initialize(&y->parser)) {
		free(y);
		return -ENOMEM;
	}
	y->piece = *piece;
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)piece->at, piece->end - piece->at);
	t->yaml = y;
	return 0;
}

static int document(struct tree *t)
{
	for (;;) {
		yaml_event_t e;
		bool done, end;
		int err = 0;

		if (!yaml_parser_parse(&t->yaml->parser, &e))
			return broken(t);
		done = e.type == YAML_DOCUMENT_END_EVENT;
		end = e.type == YAML_STREAM_END_EVENT;
		err = take(t, &e);
		yaml_event_delete(&e);
		if (err)
			return err;
		if (done || end)
			return done;
	}
}

static struct tree_place place(const struct tree *t, const yaml_mark_t *mark)
{
	return (struct tree_place){ t->yaml->piece.line + mark->line, mark->column + 1 };
}

static int refuse(struct tree *t, const yaml_event_t *e, const char *what)
{
	struct tree_place at = place(t, &e->start_mark);

	complaint_set(t->why, at.line, at.column, "%s", what);
	return -EINVAL;
}

#define NO_ANCHOR "anchors (&) are not read: write the value out where it is used"
#define NO_ALIAS "aliases (*) are not read: write the value out"
#define NO_TAG "tags (!) are not read: delete it, and put quotes round what is a text"

static int scalar(struct tree *t, const yaml_event_t *e)
{
	if (e->data.scalar.anchor)
		return refuse(t, e, NO_ANCHOR);
	if (e->data.scalar.tag)
		return refuse(t, e, NO_TAG);
	return tree_scalar(t, (const char *)e->data.scalar.value, e->data.scalar.length,
			   e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, place(t, &e->start_mark));
}

static int take(struct tree *t, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return scalar(t, e);
	case YAML_ALIAS_EVENT:
		return refuse(t, e, NO_ALIAS);
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor)
			return refuse(t, e, NO_ANCHOR);
		if (e->data.sequence_start.tag)
			return refuse(t, e, NO_TAG);
		return tree_open(t, TREE_LIST, place(t, &e->start_mark));
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor)
			return refuse(t, e, NO_ANCHOR);
		if (e->data.mapping_start.tag)
			return refuse(t, e, NO_TAG);
		return tree_open(t, TREE_MAP, place(t, &e->start_mark));
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return tree_close(t);
	default:
		return 0;
	}
}

/* What libyaml says, and what people mostly did.  Rows are tried in order: part of its sentence, ours. */
static const struct {
	const char *theirs, *ours;
} meanings[] = {
	{ "mapping values are not allowed", "a ':' is not expected here; is the line above indented right, or a text "
					    "without its quotes?" },
	{ "did not find expected key", "a key is expected here; is the line indented like its neighbours?" },
	{ "did not find expected '-' indicator", "a '-' is expected here; is the line indented like its neighbours?" },
	{ "could not find expected ':'", "a ':' is missing behind a key, or this line is not indented right" },
	{ "found unexpected end of stream", "the text in quotes that begins here has no end" },
	{ "found unexpected document indicator", "the text in quotes that begins here has no end" },
	{ "did not find expected ',' or ']'", "the list that begins here lacks a ',' or a ']'" },
	{ "did not find expected ',' or '}'", "the map that begins here lacks a ',' or a '}'" },
	{ "did not find expected node content", "a value is missing here, or what closes a list or a map" },
	{ "did not find expected <document start>", "a second document begins here; write '---' on a line before it" },
	{ "found character that cannot start any token", "no value begins with this character: put it in quotes" },
	{ "control characters are not allowed", "a control character" },
	{ "invalid leading UTF-8 octet", "this is not UTF-8" },
	{ "invalid trailing UTF-8 octet", "this is not UTF-8" },
	{ "incomplete UTF-8 octet sequence", "this is not UTF-8" },
	{ "exceeded maximum", "too deep" },
};

/* Where something began tells more than where it was found not to end. */
static bool tells_begin(const yaml_parser_t *p)
{
	return p->context && (strstr(p->context, "quoted scalar") || strstr(p->context, "parsing a flow"));
}

static const char *meaning(const char *problem)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(problem, meanings[i].theirs))
			return meanings[i].ours;
	return problem;
}

/* The first byte of the line where libyaml stopped, if that is where a tab indents. */
static bool tab_indents(const struct tree_yaml *y, size_t line)
{
	const char *p = y->piece.at;

	while (line-- && p)
		p = (p = memchr(p, '\n', y->piece.end - p)) ? p + 1 : NULL;
	while (p && p < y->piece.end && *p == ' ')
		p++;
	return p && p < y->piece.end && *p == '\t';
}

static int broken(struct tree *t)
{
	const yaml_parser_t *p = &t->yaml->parser;
	const char *problem = p->problem ?: "broken";
	struct tree_place at = place(t, tells_begin(p) ? &p->context_mark : &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		complaint_set(t->why, t->yaml->piece.line + p->mark.line, 0, "%s, at or after this line", meaning(problem));
	else if (tab_indents(t->yaml, p->problem_mark.line))
		complaint_set(t->why, at.line, at.column, "a tab indents this line: YAML wants spaces");
	else
		complaint_set(t->why, at.line, at.column, "not YAML: %s", meaning(problem));
	return -EINVAL;
}
