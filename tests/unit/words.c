// SPDX-License-Identifier: Apache-2.0
/* The small ones: words that are close, address ranges of policies, UTF-8, arenas, names. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/addr.h"
#include "lib/arena.h"
#include "lib/netpol/cidr.h"
#include "lib/netpol/reading.h"
#include "lib/utf8.h"
#include "lib/word.h"
#include "tests/check.h"

static void words(void)
{
	static const char *const list[] = { "podSelector", "policyTypes", "ingress", "egress", "to" };
	static const struct {
		const char *said, *meant;
	} rows[] = {
		{ "podselector", "podSelector" }, { "podSelectors", "podSelector" }, { "podSelcetor", "podSelector" },
		{ "policyType", "policyTypes" }, { "Ingress", "ingress" }, { "ingres", "ingress" }, { "egres", "egress" },
		{ "poli", "policyTypes" }, { "PodS", "podSelector" }, { "pod", NULL },
		{ "TO", "to" }, { "tp", NULL }, { "selector", NULL }, { "", NULL }, { "x", NULL }, { "ports", NULL },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *meant = word_closest(rows[i].said, list, 5);

		CHECK(rows[i].meant ? meant && !strcmp(meant, rows[i].meant) : !meant, "'%s' means '%s', not '%s'", rows[i].said,
		      rows[i].meant ?: "nothing", meant ?: "nothing");
	}
	CHECK_EQ(word_slips("kitten", "sitting"), 3, "two wrong, one more");
	CHECK_EQ(word_slips("ab", "ba"), 1, "a swap is one slip");
	CHECK_EQ(word_slips("", "abc"), 3, "three more");
}

static void lists(void)
{
	char some[] = ", shop/a,  shop/b,,c", none[] = "", *to[4];

	CHECK_EQ(word_split(some, to, 4), 3, "empty ones are left out");
	CHECK(!strcmp(to[0], "shop/a") && !strcmp(to[1], "shop/b") && !strcmp(to[2], "c"), "without spaces");
	CHECK_EQ(word_split(none, to, 4), 0, "an empty list");
	strcpy(some, "a,b");
	CHECK_EQ(word_split(some, to, 1), 1, "no more than there is room for");
}

static void ranges(void)
{
	static const char none[] = "is no address range; write one like 10.0.0.0/8 or fd00::/8";
	static const char no4[] = "has no prefix length from 0 to 32", no6[] = "has no prefix length from 0 to 128";
	static const char zeros[] = "has leading zeros, which some read as octal; leave them out";
	static const char mapped[] = "is an IPv4 address in IPv6 clothes; write it as IPv4";
	static const struct {
		const char *text, *strict, *lax;	/* the range in order, or what is wrong */
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8" }, { "10.1.2.3/24", "10.1.2.0/24", "10.1.2.0/24" },
		{ "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0" }, { "fd00::1/8", "fd00::/8", "fd00::/8" }, { "::/0", "::/0", "::/0" },
		{ "010.0.0.0/8", zeros, "10.0.0.0/8" }, { "10.000.00.0/08", zeros, "10.0.0.0/8" },
		{ "10.0.0.0/00", no4, "0.0.0.0/0" }, { "10.0.0.0/33", no4, no4 }, { "10.0.0.0/", no4, no4 },
		{ "10.0.0.0/8x", no4, no4 }, { "10.0.0.0/+8", no4, no4 }, { "10.0.0.0/ 8", no4, no4 },
		{ "10.0.0.0/8/8", no4, no4 }, { "10.0.0.0/4294967304", no4, no4 }, { "fd00::/129", no6, no6 },
		{ "::ffff:10.0.0.0/104", mapped, mapped }, { "::ffff:0:0/96", mapped, mapped },
		{ "/8", none, none }, { "x/8", none, none }, { "", none, none }, { "10.0.0/8", none, none },
		{ "256.0.0.0/8", none, none }, { " 10.0.0.0/8", none, none },
		{ "fe80::1%eth0/64", "has a zone, and policies know none; leave out what begins with %",
		  "has a zone, and policies know none; leave out what begins with %" },
		{ "10.0.0.1", "has no prefix length; for one address write /32 behind it",
		  "has no prefix length; for one address write /32 behind it" },
		{ "fd00::1", "has no prefix length; for one address write /128 behind it",
		  "has no prefix length; for one address write /128 behind it" },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int lax = 0; lax <= 1; lax++) {
			struct weir_prefix p;
			char text[ADDR_TEXT_SIZE];
			const char *wrong = cidr_parse(rows[i].text, lax ? CIDR_ZEROS : CIDR_STRICT, &p);

			CHECK_TEXT(wrong ?: prefix_text(&p, text), lax ? rows[i].lax : rows[i].strict, "%s", rows[i].text);
		}
}

static void characters(void)
{
	static const struct {
		const char *text;
		unsigned int length;
	} rows[] = {
		{ "a", 1 }, { "\xc3\xa9", 2 }, { "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98\x80", 4 }, { "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 }, { "\xc0\x80", 0 }, { "\xc1\xbf", 0 }, { "\xe0\x9f\xbf", 0 }, { "\xed\xa0\x80", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 }, { "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "\xff", 0 },
		{ "\xc3", 0 }, { "\xe2\x82", 0 }, { "\xc3(", 0 },
	};
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_EQ(utf8_length(rows[i].text, strlen(rows[i].text)), rows[i].length, "row %u", i);
	CHECK_EQ(utf8_length("", 0), 0, "nothing");
	for (uint32_t c = 1; c < 0x110000; c++) {
		char text[4];
		unsigned int size = utf8_put(text, c);

		n += utf8_length(text, size) == (c >= 0xd800 && c < 0xe000 ? 0 : size);
	}
	CHECK_EQ(n, 0x10ffff, "what is put is read, but for surrogates");
}

static void arenas(void)
{
	struct arena a = { 0 }, fixed;
	char block[64] __attribute__((aligned(8)));
	size_t used = 0;

	for (int round = 0; round < 3; round++) {
		arena_reset(&a);
		for (unsigned int i = 0; i < 5000; i++) {
			unsigned char *p = arena_alloc(&a, i % 100 + 1);

			if (!p || (uintptr_t)p % 8 || p[0] || p[i % 100]) {
				CHECK(false, "piece %u is zeroed and aligned", i);
				break;
			}
			memset(p, 0xaa, i % 100 + 1);
		}
		CHECK(!round || a.used == used, "the same calls take the same room");
		used = a.used;
	}
	CHECK(arena_alloc(&a, 5000000), "a large one");
	arena_free(&a);
	arena_fixed(&fixed, block, sizeof(block));
	CHECK(arena_alloc(&fixed, 40) == (void *)block && arena_alloc(&fixed, 24), "a block to its last byte");
	CHECK(!arena_alloc(&fixed, 1), "and no further");
	arena_fixed(&fixed, block, 4);
	CHECK_TEXT(arena_text(&fixed, "abcd", 3), "abc", "a text and its end");
	CHECK(!arena_text(&fixed, "", 0), "full");
}

static void names(void)
{
	char long63[64], long64[65];

	memset(long63, 'a', 63);
	long63[63] = 0;
	memset(long64, 'a', 64);
	long64[64] = 0;
	CHECK(name_is_label("a") && name_is_label("a-1") && name_is_label("1a") && name_is_label(long63), "labels");
	CHECK(!name_is_label("") && !name_is_label("-a") && !name_is_label("a-") && !name_is_label("A") &&
	      !name_is_label("a.b") && !name_is_label(long64), "no labels");
	CHECK(name_is_subdomain("a.b") && name_is_subdomain("a-b.c1") && name_is_subdomain(long64), "subdomains");
	CHECK(!name_is_subdomain("") && !name_is_subdomain("a..b") && !name_is_subdomain(".a") && !name_is_subdomain("a.") &&
	      !name_is_subdomain("a.-b") && !name_is_subdomain("a-.b") && !name_is_subdomain("a_b"), "no subdomains");
	CHECK(name_is_port("http") && name_is_port("a-1") && name_is_port("1a"), "ports");
	CHECK(!name_is_port("") && !name_is_port("80") && !name_is_port("-a") && !name_is_port("a-") && !name_is_port("a--b") &&
	      !name_is_port("Http") && !name_is_port("aaaaaaaaaaaaaaaa"), "no ports");
	CHECK(name_is_label_key("app") && name_is_label_key("A_b.c-1") && name_is_label_key("example.com/App"), "keys");
	CHECK(!name_is_label_key("") && !name_is_label_key("/a") && !name_is_label_key("a/") && !name_is_label_key("a/b/c") &&
	      !name_is_label_key("_a") && !name_is_label_key("Example.com/a") && !name_is_label_key(long64), "no keys");
	CHECK(name_is_label_value("") && name_is_label_value("A") && name_is_label_value(long63), "values");
	CHECK(!name_is_label_value("a b") && !name_is_label_value("-") && !name_is_label_value("a/b") &&
	      !name_is_label_value(long64), "no values");
}

int main(void)
{
	words();
	lists();
	ranges();
	characters();
	arenas();
	names();
	return check_done();
}
