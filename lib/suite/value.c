// SPDX-License-Identifier: Apache-2.0
// One reader for both languages: JSON, but for a few escapes that no suite uses, is YAML.
#include "lib/suite/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct value *value_new(enum value_kind kind, const char *text)
{
	struct value *v = must(calloc(1, sizeof(*v)));

	v->kind = kind;
	v->text = text ? must(strdup(text)) : NULL;
	return v;
}

/* What a scalar without quotes means. */
static enum value_kind plain_kind(const char *text)
{
	char *end;

	if (!*text || !strcmp(text, "~") || !strcmp(text, "null"))
		return VALUE_NULL;
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return VALUE_BOOL;
	strtod(text, &end);
	return *end || strpbrk(text, "xXnNiI") ? VALUE_TEXT : VALUE_NUMBER;
}

struct reader {
	yaml_parser_t parser;
	const char *file;
	struct complaint *why;
};

static bool next_event(struct reader *r, yaml_event_t *e)
{
	if (yaml_parser_parse(&r->parser, e))
		return true;
	complaint_set(r->why, r->parser.problem_mark.line + 1, r->parser.problem_mark.column + 1, "%s",
		      r->parser.problem ? r->parser.problem : "cannot be read");
	complaint_file(r->why, r->file);
	return false;
}

static struct value *read_value(struct reader *r, yaml_event_t *e, unsigned int depth);

static bool read_children(struct reader *r, struct value *v, unsigned int depth)
{
	for (;;) {
		struct value *child;
		char *key = NULL;
		yaml_event_t e;

		if (!next_event(r, &e))
			return false;
		if (e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT)
			return yaml_event_delete(&e), true;
		if (v->kind == VALUE_MAP) {
			if (e.type == YAML_SCALAR_EVENT)
				key = must(strdup((char *)e.data.scalar.value));
			yaml_event_delete(&e);
			if (!key || !next_event(r, &e))
				return free(key), false;
		}
		child = read_value(r, &e, depth);
		if (!child)
			return free(key), false;
		child->key = key;
		value_add(v, child);
	}
}

/* Takes the event. */
static struct value *read_value(struct reader *r, yaml_event_t *e, unsigned int depth)
{
	unsigned int line = e->start_mark.line + 1;
	struct value *v = NULL;

	switch (e->type) {
	case YAML_SCALAR_EVENT: {
		const char *text = (char *)e->data.scalar.value;

		v = value_new(e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_kind(text) : VALUE_TEXT, text);
		break;
	}
	case YAML_SEQUENCE_START_EVENT:
		v = value_list();
		break;
	case YAML_MAPPING_START_EVENT:
		v = value_map();
		break;
	default:
		complaint_set(r->why, line, e->start_mark.column + 1, "anchors and aliases are not taken");
		complaint_file(r->why, r->file);
	}
	yaml_event_delete(e);
	if (!v)
		return NULL;
	v->line = line;
	if (v->kind < VALUE_LIST)
		return v;
	if (depth >= 64 || !read_children(r, v, depth + 1)) {
		if (depth >= 64)
			complaint_set(r->why, line, 1, "more than 64 levels deep");
		value_free(v);
		return NULL;
	}
	return v;
}

struct value *value_read(const char *text, size_t size, const char *file, struct complaint *why)
{
	struct reader r = { .file = file, .why = why };
	struct value *docs = value_list();
	bool ok = true, more = true;

	yaml_parser_initialize(&r.parser);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
	while (ok && more) {
		struct value *doc = NULL;
		yaml_event_t e;

		ok = next_event(&r, &e);
		if (!ok)
			break;
		switch (e.type) {
		case YAML_STREAM_START_EVENT: case YAML_DOCUMENT_START_EVENT: case YAML_DOCUMENT_END_EVENT:
			yaml_event_delete(&e);
			continue;
		case YAML_STREAM_END_EVENT:
			more = false;
			yaml_event_delete(&e);
			continue;
		default:
			doc = read_value(&r, &e, 0);
		}
		ok = doc;
		if (doc && doc->kind != VALUE_NULL)
			value_add(docs, doc);
		else
			value_free(doc);
	}
	yaml_parser_delete(&r.parser);
	if (!ok) {
		value_free(docs);
		return NULL;
	}
	return docs;
}

struct value *value_read_file(const char *path, struct complaint *why)
{
	struct value *v = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re"), *to = f ? open_memstream(&text, &size) : NULL;
	char buf[65536];
	size_t n;

	if (!to) {
		complaint_set(why, 0, 0, "cannot be read: %s", strerror(errno));
		complaint_file(why, path);
		if (f)
			fclose(f);
		return NULL;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fwrite(buf, 1, n, to);
	fclose(f);
	fclose(to);
	v = value_read(text, size, path, why);
	free(text);
	return v;
}

void value_free(struct value *v)
{
	struct value *next;

	if (!v)
		return;
	for (struct value *c = v->first; c; c = next) {
		next = c->next;
		value_free(c);
	}
	free(v->key);
	free(v->text);
	free(v);
}

struct value *value_copy(const struct value *v)
{
	struct value *copy = value_new(v->kind, v->text);

	copy->line = v->line;
	for value_each(c, v) {
		struct value *child = value_add(copy, value_copy(c));

		child->key = c->key ? must(strdup(c->key)) : NULL;
	}
	return copy;
}

bool value_same(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind || !a->key != !b->key || (a->key && strcmp(a->key, b->key)))
		return false;
	if (a->text && strcmp(a->text, b->text))
		return false;
	a = a->first;
	b = b->first;
	for (; a && b; a = a->next, b = b->next)
		if (!value_same(a, b))
			return false;
	return a == b;
}

static void write_text(const char *s, FILE *to)
{
	putc('"', to);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			fprintf(to, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(to, "\\u%04x", *s);
		else
			putc(*s, to);
	putc('"', to);
}

void value_write(const struct value *v, FILE *to)
{
	bool map = v->kind == VALUE_MAP;

	if (v->kind == VALUE_TEXT)
		return write_text(v->text, to);
	if (v->kind < VALUE_LIST) {
		fputs(v->kind == VALUE_NULL ? "null" : v->text, to);
		return;
	}
	putc(map ? '{' : '[', to);
	for value_each(c, v) {
		if (map) {
			write_text(c->key, to);
			putc(':', to);
		}
		value_write(c, to);
		if (c->next)
			putc(',', to);
	}
	putc(map ? '}' : ']', to);
}

char *value_json(const struct value *v)
{
	char *text = NULL;
	size_t size;
	FILE *to = must(open_memstream(&text, &size));

	value_write(v, to);
	fclose(to);
	return text;
}

const struct value *value_get(const struct value *map, const char *key)
{
	if (!map || map->kind != VALUE_MAP)
		return NULL;
	for value_each(c, map)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

const struct value *value_at(const struct value *map, const char *path)
{
	char key[128];

	while (map) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		map = value_get(map, key);
		if (!path[n])
			return map;
		path += n + 1;
	}
	return NULL;
}

const char *value_text(const struct value *map, const char *path, const char *without)
{
	const struct value *v = value_at(map, path);

	return v && v->kind != VALUE_NULL && v->text ? v->text : without;
}

long value_number(const struct value *map, const char *path, long without)
{
	const char *text = value_text(map, path, NULL);

	return text ? strtol(text, NULL, 10) : without;
}

bool value_true(const struct value *map, const char *path)
{
	return !strcmp(value_text(map, path, ""), "true");
}

bool value_null(const struct value *v)
{
	return !v || v->kind == VALUE_NULL;
}

unsigned int value_count(const struct value *v)
{
	unsigned int n = 0;

	for value_each(c, v)
		n++;
	return n;
}

struct value *value_map(void) { return value_new(VALUE_MAP, NULL); }
struct value *value_list(void) { return value_new(VALUE_LIST, NULL); }
struct value *value_of_text(const char *text) { return value_new(VALUE_TEXT, text); }
struct value *value_of_bool(bool b) { return value_new(VALUE_BOOL, b ? "true" : "false"); }

struct value *value_of_number(long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", n);
	return value_new(VALUE_NUMBER, text);
}

struct value *value_add(struct value *list, struct value *v)
{
	if (list->last)
		list->last->next = v;
	else
		list->first = v;
	return list->last = v;
}

void value_remove(struct value *list, struct value *item)
{
	struct value **at = &list->first, *before = NULL;

	while (*at && *at != item) {
		before = *at;
		at = &before->next;
	}
	if (!*at)
		return;
	*at = item->next;
	if (list->last == item)
		list->last = before;
	value_free(item);
}

void value_drop(struct value *map, const char *key)
{
	struct value *v = (struct value *)value_get(map, key);

	if (v)
		value_remove(map, v);
}

struct value *value_put(struct value *map, const char *key, struct value *v)
{
	value_drop(map, key);
	v->key = must(strdup(key));
	return value_add(map, v);
}

struct value *value_inside(struct value *map, const char *key)
{
	struct value *v = (struct value *)value_get(map, key);

	return v && v->kind == VALUE_MAP ? v : value_put(map, key, value_map());
}
