// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "lib/word.h"

#define LONGEST 64
#define BEGUN 4			/* letters that say what is meant */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Three rows of the usual table suffice: a swap looks two rows back. */
unsigned int word_slips(const char *a, const char *b)
{
	unsigned int row[3][LONGEST + 1], la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	for (unsigned int j = 0; j <= lb; j++)
		row[0][j] = j;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned int j = 1; j <= lb; j++) {
			now[j] = least(above[j - 1] + !same(a[i - 1], b[j - 1]), least(above[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

bool word_near(const char *a, const char *b)
{
	unsigned int slips = word_slips(a, b);

	return slips <= 3 && slips * 3 <= least(strlen(a), strlen(b));
}

static const char *begun(const char *word, const char *const *list, unsigned int n)
{
	const char *best = NULL;
	size_t size = strlen(word);

	for (unsigned int i = 0; size >= BEGUN && i < n; i++)
		if (!strncasecmp(word, list[i], size) && (!best || strlen(list[i]) < strlen(best)))
			best = list[i];
	return best;
}

const char *word_closest(const char *word, const char *const *list, unsigned int n)
{
	const char *best = NULL;

	for (unsigned int i = 0; i < n; i++)
		if (word_near(word, list[i]) && (!best || word_slips(word, list[i]) < word_slips(word, best)))
			best = list[i];
	return best ?: begun(word, list, n);
}

size_t word_split(char *list, char **to, size_t most)
{
	size_t n = 0;

	for (char *at; n < most && (at = strsep(&list, ","));) {
		at += strspn(at, " ");
		if (*at)
			to[n++] = at;
	}
	return n;
}
