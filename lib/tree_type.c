// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>

#include "lib/tree.h"

static bool among(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

static const char *while_in(const char *p, const char *set)
{
	return p + strspn(p, set);
}

static bool is_float(const char *p)
{
	const char *whole = while_in(p, "0123456789"), *q = whole;

	if (*q == '.')
		q = while_in(q + 1, "0123456789");
	if (q == p || (q == p + 1 && *p == '.'))
		return false;
	if (*q == 'e' || *q == 'E') {
		const char *power = q + 1 + (q[1] == '+' || q[1] == '-');

		q = while_in(power, "0123456789");
		if (q == power)
			return false;
	}
	return !*q;
}

static bool is_number(const char *p)
{
	static const char *const odd[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL };

	p += *p == '-' || *p == '+';
	if (among(p, odd))
		return true;
	if (p[0] == '0' && p[1] && strchr("xXoObB", p[1])) {
		const char *set = strchr("xX", p[1]) ? "0123456789abcdefABCDEF_" : strchr("oO", p[1]) ? "01234567_" : "01_";

		return p[2] && !*while_in(p + 2, set);
	}
	return is_float(p) || (isdigit((unsigned char)*p) && !*while_in(p, "0123456789_"));
}

enum tree_type tree_type(const struct tree_node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const bools[] = { "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
					     "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", NULL };

	if (!n->plain)
		return TREE_TEXT;
	switch (n->text[0]) {
	case 0:
	case '~':
	case 'n':
	case 'N':
		if (among(n->text, nulls))
			return TREE_NULL;
		return among(n->text, bools) ? TREE_BOOL : TREE_TEXT;
	case 't':
	case 'T':
	case 'f':
	case 'F':
	case 'y':
	case 'Y':
	case 'o':
	case 'O':
		return among(n->text, bools) ? TREE_BOOL : TREE_TEXT;
	case '0' ... '9':
	case '+':
	case '-':
	case '.':
		return is_number(n->text) ? TREE_NUMBER : TREE_TEXT;
	default:
		return TREE_TEXT;
	}
}
