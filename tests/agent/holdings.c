// SPDX-License-Identifier: Apache-2.0
/* Which file says what: each row is a reading of one file, and what the listener must hear. */
#include <stdio.h>

#include "agent/holdings.h"
#include "tests/check.h"

static char heard[1024];

static void hear(const char *what, const char *name)
{
	size_t n = strlen(heard);

	snprintf(heard + n, sizeof(heard) - n, "%s%s%s", n ? " " : "", what, name);
}

static void on_gone(void *ctx, enum object_kind kind, const char *ns, const char *name)
{
	hear("-", name);
}

static void on_again(void *ctx, const char *file)
{
	hear("?", file);
}

static void read_one(struct holdings *h, const char *row, const char *names)
{
	char copy[256], *rest = copy, file[2] = { row[0] };

	snprintf(copy, sizeof(copy), "%s", names);
	CHECK_EQ(holdings_begin(h, file), 0, "begin '%s'", file);
	for (char *name; (name = strsep(&rest, " "));) {
		if (!*name)
			continue;
		switch (holdings_offer(h, OBJECT_POD, "shop", name)) {
		case HOLD_TAKE:
			hear("+", name);
			break;
		case HOLD_OTHER:
			hear("=", name);
			break;
		default:
			hear("2", name);
		}
	}
	holdings_end(h, row[1] != '!');
}

static const struct {
	const char *sentence, *file, *says, *hears;	/* "file!": it does not parse */
} rows[] = {
	{ "two objects in one file", "b", "x y", "+x +y" },
	{ "said again", "b", "x y", "+x +y" },
	{ "one is no longer said", "b", "y", "+y -x" },
	{ "a broken file lets nothing go", "b!", "", "" },
	{ "whole again", "b", "y", "+y" },
	{ "twice in a file: the first counts", "b", "y z z", "+y +z 2z" },
	{ "a later file says one in vain", "c", "z w", "=z +w" },
	{ "an earlier file takes one over", "a", "y", "+y" },
	{ "who says it in vain may stop", "b", "z", "+z" },
	{ "the holder stops: the next is read again, nothing is gone", "b", "", "?c" },
	{ "and takes it", "c", "z w", "+z +w" },
	{ "a file in between says it, too, and wins", "b", "z", "+z" },
	{ "the holder stops again", "b", "", "?c" },
	{ "and the heir does not say it any more: now it is gone", "c", "w", "+w -z" },
	{ "empty", "c", "", "-w" },
	{ "the last", "a", "", "-y" },
};

int main(void)
{
	struct holdings_to to = { .gone = on_gone, .again = on_again };
	struct holdings *h;

	CHECK_EQ(holdings_new(&h, &to), 0, "new");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		heard[0] = '\0';
		read_one(h, rows[i].file, rows[i].says);
		CHECK_TEXT(heard, rows[i].hears, "%s", rows[i].sentence);
	}
	CHECK_EQ(holdings_count(h), 0, "nothing is left");
	holdings_free(h);
	return check_done();
}
