// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/text.h"

#define FIRST (-62135596800LL)		/* 0001-01-01T00:00:00Z */
#define LAST 253402300799LL		/* 9999-12-31T23:59:59Z */

/* Days since 1970-01-01 as a date of the Gregorian calendar and back: years begin in March, so that a leap day is the
 * last of its year, and are counted within eras of 400 years, 146,097 days each. */
static void date_of(int64_t days, unsigned int *year, unsigned int *month, unsigned int *day)
{
	uint64_t z = (uint64_t)(days + 719468), era = z / 146097, doe = z % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (unsigned int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (unsigned int)(yoe + era * 400 + (*month <= 2));
}

static int64_t days_of(unsigned int year, unsigned int month, unsigned int day)
{
	uint64_t y = year - (month <= 2) + 400, era = y / 400, yoe = y % 400;
	uint64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	uint64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int64_t)(era * 146097 + doe) - 719468 - 146097;
}

bool text_stamp_fits(int64_t seconds, int64_t nanos)
{
	return seconds >= FIRST && seconds <= LAST && nanos >= 0 && nanos <= 999999999;
}

static char *put_digits(char *to, uint32_t v, unsigned int n)
{
	for (unsigned int i = n; i-- > 0; v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + n;
}

static char *put_fraction(char *to, uint32_t nanos)
{
	if (!nanos)
		return to;
	*to++ = '.';
	if (nanos % 1000)
		return put_digits(to, nanos, 9);
	return nanos % 1000000 ? put_digits(to, nanos / 1000, 6) : put_digits(to, nanos / 1000000, 3);
}

size_t text_stamp(int64_t seconds, uint32_t nanos, char buf[TEXT_TIME_SIZE])
{
	uint64_t since = (uint64_t)(seconds - FIRST);
	uint32_t rest = (uint32_t)(since % 86400);
	unsigned int year, month, day;
	char *p = buf;

	date_of((int64_t)(since / 86400) + FIRST / 86400, &year, &month, &day);
	p = put_digits(p, year, 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	p = put_digits(p, day, 2);
	*p++ = 'T';
	p = put_digits(p, rest / 3600, 2);
	*p++ = ':';
	p = put_digits(p, rest / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, rest % 60, 2);
	p = put_fraction(p, nanos);
	*p++ = 'Z';
	return (size_t)(p - buf);
}

struct cursor {
	const char *at, *end;
};

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool digits(struct cursor *c, unsigned int n, unsigned int *out)
{
	*out = 0;
	for (; n; n--) {
		if (!is_digit(c))
			return false;
		*out = *out * 10 + (unsigned int)(*c->at++ - '0');
	}
	return true;
}

static bool one_of(struct cursor *c, const char *letters, char *out)
{
	if (c->at == c->end || !*c->at || !strchr(letters, *c->at))
		return false;
	*out = *c->at++;
	return true;
}

static unsigned int days_in(unsigned int year, unsigned int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct cursor *c, int64_t *days)
{
	unsigned int year, month, day;
	char dash;

	if (!digits(c, 4, &year) || !one_of(c, "-", &dash) || !digits(c, 2, &month) || !one_of(c, "-", &dash) ||
	    !digits(c, 2, &day))
		return false;
	if (!year || !month || month > 12 || !day || day > days_in(year, month))
		return false;
	*days = days_of(year, month, day);
	return true;
}

static bool read_clock(struct cursor *c, unsigned int *seconds)
{
	unsigned int hour, minute, second;
	char colon;

	if (!digits(c, 2, &hour) || !one_of(c, ":", &colon) || !digits(c, 2, &minute) || !one_of(c, ":", &colon) ||
	    !digits(c, 2, &second))
		return false;
	*seconds = hour * 3600 + minute * 60 + second;
	return hour < 24 && minute < 60 && second < 60;
}

static bool read_fraction(struct cursor *c, int32_t *nanos)
{
	int32_t scale = 100000000;
	char dot;

	*nanos = 0;
	if (!one_of(c, ".", &dot))
		return true;
	if (!is_digit(c))
		return false;
	for (; is_digit(c); scale /= 10) {
		if (!scale)
			return false;		/* finer than a nanosecond */
		*nanos += (*c->at++ - '0') * scale;
	}
	return true;
}

static bool read_zone(struct cursor *c, int *offset)
{
	unsigned int hour, minute;
	char sign, colon;

	*offset = 0;
	if (!one_of(c, "Zz+-", &sign))
		return false;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (!digits(c, 2, &hour) || !one_of(c, ":", &colon) || !digits(c, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*offset = (int)(hour * 3600 + minute * 60) * (sign == '-' ? -1 : 1);
	return true;
}

bool text_stamp_read(const char *text, size_t size, int64_t *seconds, int32_t *nanos)
{
	struct cursor c = { text, text + size };
	unsigned int clock;
	int64_t days;
	int offset;
	char t;

	if (!read_date(&c, &days) || !one_of(&c, "Tt ", &t) || !read_clock(&c, &clock) || !read_fraction(&c, nanos) ||
	    !read_zone(&c, &offset) || c.at != c.end)
		return false;
	*seconds = days * 86400 + clock - offset;
	return text_stamp_fits(*seconds, *nanos);
}
