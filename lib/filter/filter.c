// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.pb-c.h"
#include "lib/filter/authors.h"
#include "lib/filter/inside.h"
#include "lib/wire/value.h"

static int compile_list(struct compiler *c, const char *name, Flow__FlowFilter *const *list, size_t n,
			struct filter **out, uint32_t *count);

int compiler_refuse(struct compiler *c, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (c->list)
		complaint_set(c->why, 0, 0, "%s[%zu].%s[%zu]: %s", c->list, c->filter, c->field, c->value, text);
	else
		complaint_set(c->why, 0, 0, "%s[%zu]: %s", c->field, c->value, text);
	return -EINVAL;
}

const char *compiler_show(const char *text, char buf[COMPILER_SHOW])
{
	return complaint_show(text, buf, COMPILER_SHOW);
}

int compiler_spend(struct compiler *c, size_t values, size_t patterns)
{
	c->values += values;
	c->patterns += patterns;
	if (c->values > FILTERS_VALUES)
		return compiler_refuse(c, "more than %d values in all filters", FILTERS_VALUES);
	if (c->patterns > FILTERS_PATTERNS)
		return compiler_refuse(c, "more than %d patterns (pods, prefixes, globs, selectors and such) in all filters",
				       FILTERS_PATTERNS);
	return 0;
}

int filters_new(struct filters **out, Flow__FlowFilter *const *white, size_t n_white,
		Flow__FlowFilter *const *black, size_t n_black, struct complaint *why)
{
	struct filters *f = calloc(1, sizeof(*f));
	struct compiler c = { .f = f, .why = why };
	int err = -ENOMEM;

	if (f && n_white + n_black > FILTERS_MOST) {
		complaint_set(why, 0, 0, "%s: more than %d filters", n_white ? "whitelist" : "blacklist", FILTERS_MOST);
		err = -EINVAL;
	} else if (f) {
		err = compile_list(&c, "whitelist", white, n_white, &f->white, &f->whites) ?:
		      compile_list(&c, "blacklist", black, n_black, &f->black, &f->blacks);
	}
	if (err) {
		if (err == -ENOMEM)
			complaint_set(why, 0, 0, "no memory for the filters");
		filters_free(f);
		return err;
	}
	*out = f;
	return 0;
}

void filters_free(struct filters *f)
{
	if (!f)
		return;
	arena_free(&f->things);
	arena_free(&f->texts);
	free(f);
}

/* Equal ones once, after sorting. */
static uint32_t unique(char *value, uint32_t n, const struct field *field)
{
	uint32_t kept = 1;

	for (uint32_t i = 1; i < n; i++)
		if (field->order(value + (size_t)(kept - 1) * field->size, value + (size_t)i * field->size)) {
			memmove(value + (size_t)kept * field->size, value + (size_t)i * field->size, field->size);
			kept++;
		}
	return kept;
}

static int compile_field(struct compiler *c, const struct field *field, const ProtobufCFieldDescriptor *d,
			 const Flow__FlowFilter *from, struct condition *to)
{
	size_t n = *(const size_t *)((const char *)from + d->quantifier_offset);
	const char *element = *(const char *const *)((const char *)from + d->offset);
	char *value;
	int err;

	c->field = d->name;
	c->value = 0;
	err = compiler_spend(c, field->pattern ? 0 : n, field->pattern ? n : 0);
	if (err)
		return err;
	value = arena_alloc(&c->f->things, n * field->size);
	if (!value)
		return -ENOMEM;
	for (c->value = 0; c->value < n; c->value++) {
		err = field->read(c, element + c->value * wire_value_size(d->type), value + c->value * field->size);
		if (err)
			return err;
	}
	*to = (struct condition){ .holds = field->holds, .value = value, .n = n, .destination = field->destination };
	if (field->order) {
		qsort(value, n, field->size, field->order);
		to->n = unique(value, n, field);
	}
	if (field->finish)
		field->finish(to);
	return 0;
}

static int compile_filter(struct compiler *c, const Flow__FlowFilter *from, struct filter *to)
{
	struct condition *condition;
	unsigned int n = 0;
	int err;

	for (unsigned int i = 0; i < fields_n; i++)
		n += *(const size_t *)((const char *)from + field_descriptor(&fields[i])->quantifier_offset) != 0;
	condition = arena_alloc(&c->f->things, (n + 1) * sizeof(*condition));
	if (!condition)
		return -ENOMEM;
	to->condition = condition;
	for (unsigned int i = 0; i < fields_n; i++) {
		const ProtobufCFieldDescriptor *d = field_descriptor(&fields[i]);

		if (!*(const size_t *)((const char *)from + d->quantifier_offset))
			continue;
		err = compile_field(c, &fields[i], d, from, &condition[to->n]);
		if (err)
			return err;
		to->n++;
	}
	if (from->experimental && from->experimental->n_cel_expression) {
		c->field = "experimental.cel_expression";
		c->value = 0;
		return compiler_refuse(c, "expressions in CEL are not supported; the other fields are");
	}
	return 0;
}

static int compile_list(struct compiler *c, const char *name, Flow__FlowFilter *const *list, size_t n,
			struct filter **out, uint32_t *count)
{
	int err = 0;

	c->list = name;
	*out = arena_alloc(&c->f->things, (n + 1) * sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (c->filter = 0; c->filter < n && !err; c->filter++) {
		err = compile_filter(c, list[c->filter], &(*out)[c->filter]);
		*count += !err;
	}
	return err;
}

int filters_authors(struct filters *f, char *const *policy, size_t policies, const uint32_t *rule, size_t rules,
		    struct complaint *why)
{
	struct compiler c = { .f = f, .field = "policy", .why = why };

	return authors_new(&c, policy, policies, rule, rules, &f->authors);
}

static bool filter_passes(const struct filter *f, const struct flow *flow)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (!f->condition[i].holds(&f->condition[i], flow))
			return false;
	return true;
}

bool filters_pass(const struct filters *f, const struct flow *flow)
{
	bool wanted;

	if (!f)
		return true;
	wanted = !f->whites;
	for (uint32_t i = 0; i < f->whites && !wanted; i++)
		wanted = filter_passes(&f->white[i], flow);
	for (uint32_t i = 0; i < f->blacks && wanted; i++)
		wanted = !filter_passes(&f->black[i], flow);
	return wanted && filter_passes(&f->authors, flow);
}
