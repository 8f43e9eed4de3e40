// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <time.h>

#include "tools/stamp.h"

/* Where there is a fraction it stands between the two; 'digits' of it, or less if 'trimmed' and they are zeros. */
static const struct {
	const char *head, *tail;
	unsigned int digits;
	bool trimmed;
} formats[] = {
	{ "%b %e %H:%M:%S.", "", 3, false },
	{ "%Y-%m-%d", "", 0, false },
	{ "%Y-%m-%dT%HZ", "", 0, false },
	{ "%Y-%m-%dT%H:%MZ", "", 0, false },
	{ "%Y-%m-%dT%H:%M:%SZ", "", 0, false },
	{ "%Y-%m-%dT%H:%M:%S", "Z", 3, true },
	{ "%Y-%m-%dT%H:%M:%S", "Z", 6, true },
	{ "%Y-%m-%dT%H:%M:%S", "Z", 9, true },
	{ "%a, %d %b %Y %H:%M:%S +0000", "", 0, false },
};

void stamp_format(struct stamp *w, const char *name)
{
	const char *at = STAMP_FORMATS;

	memset(w, 0, sizeof(*w));
	if (!name)
		return;
	while (*at && (strncmp(at, name, strlen(name)) || (at[strlen(name)] && at[strlen(name)] != '|'))) {
		at += strcspn(at, "|");
		at += *at == '|';
		w->format++;
	}
	if (!*at)
		w->format = 0;
}

static void put_fraction(struct text *t, uint32_t ns, unsigned int digits, bool trimmed)
{
	uint32_t n = ns;

	for (unsigned int i = digits; i < 9; i++)
		n /= 10;
	if (trimmed && !n)
		return;
	if (trimmed) {
		text_char(t, '.');
		for (; n % 10 == 0; n /= 10)
			digits--;
	}
	text_digits(t, n, digits);
}

void stamp_put(struct stamp *w, struct text *t, int64_t seconds, uint32_t ns)
{
	if (!w->head_size || seconds != w->second) {
		struct tm tm = { 0 };
		time_t at = seconds;

		gmtime_r(&at, &tm);
		w->head_size = strftime(w->head, sizeof(w->head), formats[w->format].head, &tm);
		w->second = seconds;
	}
	text_add(t, w->head, w->head_size);
	if (formats[w->format].digits)
		put_fraction(t, ns, formats[w->format].digits, formats[w->format].trimmed);
	text_put(t, formats[w->format].tail);
}
