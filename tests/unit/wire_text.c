// SPDX-License-Identifier: Apache-2.0
/* Addresses as the C library writes them, times there and back, numbers, base64, what is no UTF-8. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "lib/addr.h"
#include "lib/wire/base64.h"
#include "lib/wire/text.h"
#include "tests/check.h"

static unsigned long long state = 3;

static unsigned int rnd(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(state >> 33) % n;
}

static void addresses(void)
{
	for (int i = 0; i < 200000; i++) {
		char got[TEXT_ADDR_SIZE + 1], want[ADDR_TEXT_SIZE];
		struct weir_addr a = { 0 };

		for (int k = 0; k < 16; k += 2)
			if (rnd(2))
				a.byte[k + 1] = (__u8)rnd(256), a.byte[k] = rnd(2) ? (__u8)rnd(256) : 0;
		if (!rnd(4))
			memcpy(a.byte, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		if (!rnd(8))
			memset(a.byte, 0, 12);
		got[text_addr(&a, got)] = '\0';
		CHECK_TEXT(got, addr_text(&a, want), "an address");
	}
}

static void one_time(int64_t seconds, uint32_t nanos, const char *want)
{
	char got[TEXT_TIME_SIZE + 1];
	int64_t s;
	int32_t n;

	got[text_stamp(seconds, nanos, got)] = '\0';
	CHECK_TEXT(got, want, "a time");
	CHECK(text_stamp_read(got, strlen(got), &s, &n) && s == seconds && (uint32_t)n == nanos, "%s is read", got);
}

static void times(void)
{
	static const struct { const char *text; int64_t seconds; int32_t nanos; } read[] = {
		{ "2026-11-21T17:40:00+01:00", 1795279200, 0 }, { "2026-11-21t16:40:00z", 1795279200, 0 },
		{ "2026-11-21T16:40:00.5Z", 1795279200, 500000000 }, { "1969-12-31T23:59:59.000000001Z", -1, 1 },
	};
	static const char *const none[] = {
		"", "2026", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T16:40:00",
		"2026-11-21T16:40:00.Z", "2026-11-21T16:40:00.1234567890Z", "2026-11-21T16:40:00Zx", "0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-11-21T16:40:00+1:00", "x026-11-21T16:40:00Z",
	};
	int64_t s;
	int32_t n;

	one_time(0, 0, "1970-01-01T00:00:00Z");
	one_time(1795279200, 120000000, "2026-11-21T16:40:00.120Z");
	one_time(1795279200, 120, "2026-11-21T16:40:00.000000120Z");
	one_time(951782400, 1000, "2000-02-29T00:00:00.000001Z");
	one_time(-62135596800LL, 0, "0001-01-01T00:00:00Z");
	one_time(253402300799LL, 999999999, "9999-12-31T23:59:59.999999999Z");
	for (int i = 0; i < 100000; i++) {
		time_t t = (time_t)rnd(1U << 31) * 100;
		char want[32];
		struct tm tm;

		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
		if (t <= 253402300799LL)
			one_time(t, 0, want);
	}
	for (unsigned int i = 0; i < sizeof(read) / sizeof(*read); i++)
		CHECK(text_stamp_read(read[i].text, strlen(read[i].text), &s, &n) && s == read[i].seconds && n == read[i].nanos,
		      "%s", read[i].text);
	for (unsigned int i = 0; i < sizeof(none) / sizeof(*none); i++)
		CHECK(!text_stamp_read(none[i], strlen(none[i]), &s, &n), "'%s' is no time", none[i]);
}

static void numbers(void)
{
	for (int i = 0; i < 100000; i++) {
		uint64_t v = ((uint64_t)rnd(1U << 31) << 33 ^ (uint64_t)rnd(1U << 31) << 8 ^ rnd(256)) >> rnd(64);
		char got[21], want[24];

		got[text_number(v, got)] = '\0';
		snprintf(want, sizeof(want), "%llu", (unsigned long long)v);
		CHECK_TEXT(got, want, "a number");
	}
}

static void bytes(void)
{
	for (size_t size = 0; size < 100; size++) {
		char text[BASE64_LENGTH(100) + 1];
		uint8_t from[100], to[100];
		size_t n = 0;

		for (size_t i = 0; i < size; i++)
			from[i] = (uint8_t)rnd(256);
		base64_text(from, size, text);
		CHECK_EQ(strlen(text), BASE64_LENGTH(size), "its length");
		CHECK(base64_bytes(text, strlen(text), to, &n) && n == size && !memcmp(from, to, n), "%zu bytes", size);
		CHECK(base64_bytes(text, strcspn(text, "="), to, &n) && n == size, "without padding");
	}
	CHECK(!base64_bytes("a", 1, NULL, NULL), "no base64");
	CHECK(!base64_bytes("ab!d", 4, (uint8_t[4]){ 0 }, &(size_t){ 0 }), "nor this");
}

static void repaired(void)
{
	char to[32];
	size_t n = text_repaired("a\xff" "b\xe2\x82", 5, to);

	CHECK(n == 11 && !memcmp(to, "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd", n), "each byte that is none");
	CHECK(text_is_utf8("gr\xc3\xbc\xc3\x9f dich, lang", 17) && !text_is_utf8("long enough \xc3", 13), "known from each other");
	for (size_t i = 0; i < 24; i++) {
		char text[] = "abcdefghijklmnopqrstuvwx";

		text[i] = '\x80';
		CHECK(!text_is_ascii(text, 24) && text_is_ascii(text, i) && !text_is_ascii(text, i + 1), "at %zu", i);
	}
}

int main(void)
{
	addresses();
	times();
	numbers();
	bytes();
	repaired();
	return check_done();
}
