// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter/regex_inside.h"
#include "lib/utf8.h"

#define NOTHING UINT32_MAX		/* before the text, behind it */

/* Steps that are taken at one place of the text, each once. */
struct places {
	unsigned int n;
	uint16_t at[REGEX_STEPS];
	uint64_t seen[REGEX_STEPS / 64];
};

struct run {
	const struct regex *r;
	uint32_t before, now;		/* the characters on both sides of here */
	struct places places[2];
	uint16_t todo[REGEX_STEPS];
};

/* Read into room for the largest, kept in what it needs. */
struct draft {
	struct regex_step step[REGEX_STEPS];
	struct regex_range range[REGEX_RANGES];
};

static int keep(const struct regex *draft, struct arena *things, struct regex **out)
{
	struct regex *r = arena_alloc(things, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = *draft;
	r->step = arena_alloc(things, r->steps * sizeof(r->step[0]));
	r->range = arena_alloc(things, (r->ranges + 1) * sizeof(r->range[0]));
	if (!r->step || !r->range)
		return -ENOMEM;
	memcpy(r->step, draft->step, r->steps * sizeof(r->step[0]));
	memcpy(r->range, draft->range, r->ranges * sizeof(r->range[0]));
	*out = r;
	return 0;
}

int regex_parse(const char *pattern, struct arena *things, struct regex **out, struct complaint *why)
{
	struct draft *room = malloc(sizeof(*room));
	struct regex draft;
	int err;

	if (!room)
		return -ENOMEM;
	draft = (struct regex){ .step = room->step, .range = room->range };
	err = regex_read(&draft, pattern, why) ?: keep(&draft, things, out);
	free(room);
	return err;
}

unsigned int regex_steps(const struct regex *r)
{
	return r->steps;
}

static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool at_edge(const struct run *run, enum regex_kind kind)
{
	switch (kind) {
	case REGEX_BEGIN:
		return run->before == NOTHING;
	case REGEX_END:
		return run->now == NOTHING;
	case REGEX_LINE_BEGIN:
		return run->before == NOTHING || run->before == '\n';
	case REGEX_LINE_END:
		return run->now == NOTHING || run->now == '\n';
	case REGEX_WORD_EDGE:
		return is_word(run->before) != is_word(run->now);
	default:
		return is_word(run->before) == is_word(run->now);
	}
}

/* True if it was not there yet. */
static bool enter(struct places *p, unsigned int step)
{
	uint64_t bit = 1ull << (step % 64);

	if (p->seen[step / 64] & bit)
		return false;
	p->seen[step / 64] |= bit;
	return true;
}

/* From 'step' on all that needs no character.  True if that is the end. */
static bool follow(struct run *run, struct places *p, unsigned int step)
{
	unsigned int todo = 0;

	if (enter(p, step))
		run->todo[todo++] = step;
	while (todo) {
		unsigned int at = run->todo[--todo];
		const struct regex_step *s = &run->r->step[at];

		if (s->kind == REGEX_FOUND)
			return true;
		if (s->kind == REGEX_CHARACTER || s->kind == REGEX_CLASS) {
			p->at[p->n++] = at;
		} else if (s->kind == REGEX_FORK) {
			if (enter(p, at + s->to))
				run->todo[todo++] = at + s->to;
			if (enter(p, at + s->also))
				run->todo[todo++] = at + s->also;
		} else if (at_edge(run, s->kind) && enter(p, at + 1)) {
			run->todo[todo++] = at + 1;
		}
	}
	return false;
}

static bool takes(const struct regex *r, const struct regex_step *s, uint32_t c)
{
	const struct regex_range *range = &r->range[s->first];

	if (s->kind == REGEX_CHARACTER)
		return s->first == c;
	for (unsigned int i = 0; i < s->ranges; i++)
		if (c >= range[i].first && c <= range[i].last)
			return true;
	return false;
}

/* What is no UTF-8 is one character a byte: U+FFFD. */
static uint32_t character(const char *text, size_t length, unsigned int *taken)
{
	const unsigned char *p = (const unsigned char *)text;

	*taken = 0;
	if (!length)
		return NOTHING;
	*taken = 1;
	if (p[0] < 0x80)
		return p[0];
	*taken = utf8_length(text, length);
	switch (*taken) {
	case 2:
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	case 3:
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	case 4:
		return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	default:
		*taken = 1;
		return 0xfffd;
	}
}

bool regex_find(const struct regex *r, const char *text, size_t length)
{
	struct run run = { .r = r, .before = NOTHING };
	struct places *here = &run.places[0], *after = &run.places[1], *swap;
	unsigned int taken;

	run.now = character(text, length, &taken);
	if (follow(&run, here, 0))
		return true;
	while (run.now != NOTHING) {
		uint32_t c = run.now;

		text += taken;
		length -= taken;
		run.before = c;
		run.now = character(text, length, &taken);
		memset(after->seen, 0, sizeof(after->seen));
		after->n = 0;
		for (unsigned int i = 0; i < here->n; i++)
			if (takes(r, &r->step[here->at[i]], c) && follow(&run, after, here->at[i] + 1))
				return true;
		if (follow(&run, after, 0))	/* a match may begin anywhere */
			return true;
		swap = here;
		here = after;
		after = swap;
	}
	return false;
}
