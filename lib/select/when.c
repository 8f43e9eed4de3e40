// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/select/when.h"

#define SECOND 1000000000ull
#define YEAR_MOST 2200		/* nanoseconds of 64 bits end in 2554 */
#define SHOW 80

/* 1h30m, -5m, 1.5h: in nanoseconds. */
static bool parse_ago(const char *text, double *out)
{
	static const struct { const char *unit; double ns; } units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "\xce\xbcs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
		{ "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	bool minus = *text == '-';
	double sum = 0;

	text += *text == '-' || *text == '+';
	if (!strcmp(text, "0")) {
		*out = 0;
		return true;
	}
	do {
		char number[32];
		size_t n = strspn(text, "0123456789."), unit, i;

		if (!n || n >= sizeof(number) || strspn(text, ".") == n)
			return false;
		memcpy(number, text, n);
		number[n] = 0;
		if (strchr(number, '.') != strrchr(number, '.'))
			return false;
		text += n;
		unit = strcspn(text, "0123456789.");
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].unit) == unit && !memcmp(units[i].unit, text, unit))
				break;
		if (i == sizeof(units) / sizeof(units[0]))
			return false;
		sum += strtod(number, NULL) * units[i].ns;
		text += unit;
	} while (*text);
	*out = minus ? -sum : sum;
	return true;
}

/* Exactly so many digits. */
static const char *digits(const char *text, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!text || !isdigit((unsigned char)text[i]))
			return NULL;
		*out = *out * 10 + text[i] - '0';
	}
	return text + n;
}

static const char *mark(const char *text, char c)
{
	return text && *text == c ? text + 1 : NULL;
}

/* Z, +01:00; NULL: none. */
static const char *zone(const char *text, int *seconds)
{
	int hours, minutes, sign = *text == '-' ? -1 : 1;

	*seconds = 0;
	if (*text == 'Z' || *text == 'z')
		return text + 1;
	if (*text != '+' && *text != '-')
		return NULL;
	text = digits(mark(digits(text + 1, 2, &hours), ':'), 2, &minutes);
	if (!text || hours > 23 || minutes > 59)
		return NULL;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return text;
}

/* ".123456": in nanoseconds. */
static const char *fraction(const char *text, uint64_t *ns)
{
	uint64_t unit = SECOND / 10;

	*ns = 0;
	if (*text != '.' || !isdigit((unsigned char)text[1]))
		return text;
	for (text++; isdigit((unsigned char)*text); text++) {
		*ns += unit * (*text - '0');
		unit /= 10;
	}
	return text;
}

/* The moment of a date that there is. */
static bool make(struct tm *tm, int zone_seconds, uint64_t ns, uint64_t *out)
{
	struct tm same = *tm;
	time_t t = timegm(&same);

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60 || tm->tm_year + 1900 > YEAR_MOST || tm->tm_year < 70 ||
	    (tm->tm_sec < 60 && (same.tm_mday != tm->tm_mday || same.tm_mon != tm->tm_mon)))
		return false;
	t -= zone_seconds;
	if (t < 0)
		return false;
	*out = (uint64_t)t * SECOND + ns;
	return true;
}

enum told { TOLD, TOLD_NOT, TOLD_NO_ZONE };

/* 2026-11-21[T14[:05[:07[.123]]]ZONE] */
static enum told parse_date(const char *text, uint64_t *out)
{
	struct tm tm = { 0 };
	int seconds = 0;
	uint64_t ns = 0;
	const char *at;

	at = digits(mark(digits(mark(digits(text, 4, &tm.tm_year), '-'), 2, &tm.tm_mon), '-'), 2, &tm.tm_mday);
	if (!at)
		return TOLD_NOT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (*at == 'T' || *at == 't' || *at == ' ') {
		at = digits(at + 1, 2, &tm.tm_hour);
		if (at && *at == ':')
			at = digits(at + 1, 2, &tm.tm_min);
		if (at && *at == ':')
			at = digits(at + 1, 2, &tm.tm_sec);
		if (!at)
			return TOLD_NOT;
		at = fraction(at, &ns);
		if (!*at)
			return TOLD_NO_ZONE;
		at = zone(at, &seconds);
	}
	return at && !*at && make(&tm, seconds, ns, out) ? TOLD : TOLD_NOT;
}

/* Sat, 21 Nov 2026 14:05:00 +0100 */
static bool parse_mail(const char *text, uint64_t *out)
{
	struct tm tm = { 0 };
	const char *at = strptime(text, "%a, %d %b %Y %H:%M:%S %z", &tm);

	return at && !*at && make(&tm, tm.tm_gmtoff, 0, out);
}

/* Nov 21 14:05:00.123, in UTC, in the year in which it was last. */
static bool parse_stamp(const char *text, uint64_t now, uint64_t *out)
{
	struct tm tm = { 0 }, today;
	time_t seconds = now / SECOND;
	const char *at = strptime(text, "%b %d %H:%M:%S", &tm);
	uint64_t ns;

	if (!at || *fraction(at, &ns))
		return false;
	gmtime_r(&seconds, &today);
	tm.tm_year = today.tm_year;
	/* clocks differ: a day ahead is this year's still */
	if (!make(&tm, 0, ns, out) || *out > now + 86400 * SECOND) {
		tm.tm_year--;
		return make(&tm, 0, ns, out);
	}
	return true;
}

int when_parse(const char *text, uint64_t now, uint64_t *out, struct complaint *why)
{
	char show[SHOW];
	double ago;
	enum told told;

	if (parse_ago(text, &ago)) {
		/* what is before 1970 is the beginning of it: all */
		if (ago >= now)
			*out = 1;
		else if (ago < 0 && now - ago > 1e19)
			*out = UINT64_MAX;
		else
			*out = ago < 0 ? now + (uint64_t)-ago : now - (uint64_t)ago;
		return 0;
	}
	told = parse_date(text, out);
	if (told == TOLD || parse_mail(text, out) || parse_stamp(text, now, out))
		return 0;
	complaint_show(text, show, sizeof(show));
	if (told == TOLD_NO_ZONE)
		complaint_set(why, 0, 0, "'%s' does not say of which zone it is: put Z or +01:00 behind it", show);
	else
		complaint_set(why, 0, 0, "'%s' is no time: 5m, 1h30m, 2d ago; 2026-11-21, 2026-11-21T14Z, 2026-11-21T14:05:00Z", show);
	return -EINVAL;
}
