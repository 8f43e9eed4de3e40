// SPDX-License-Identifier: Apache-2.0
/* How people write ends and ports, and how times, sizes and tables are written for them. */
#include <stdlib.h>

#include "tests/check.h"
#include "tools/table.h"
#include "tools/words.h"

static const struct {
	const char *text, *ns, *end;	/* end NULL: refused */
	unsigned int port;
	const char *protocol;
} targets[] = {
	{ "shop/db:5432", NULL, "shop/db", 5432, "TCP" },
	{ "shop/db:53/udp", NULL, "shop/db", 53, "UDP" },
	{ "shop/db:9000/Sctp", NULL, "shop/db", 9000, "SCTP" },
	{ "shop/db:icmp", NULL, "shop/db", 0, "ICMP" },
	{ "shop/db:0/47", NULL, "shop/db", 0, "47" },
	{ "db:5432", "shop", "shop/db", 5432, "TCP" },
	{ "other/db:5432", "shop", "other/db", 5432, "TCP" },
	{ "db:5432", NULL, "db", 5432, "TCP" },
	{ "10.0.0.1:80", "shop", "10.0.0.1", 80, "TCP" },
	{ "[fd00::1]:80/tcp", "shop", "fd00::1", 80, "TCP" },
	{ "[fd00::1]:icmp", NULL, "fd00::1", 0, "ICMP" },
	{ "node/n1:22", NULL, "node/n1", 22, "TCP" },
	{ "fd00::1:80", NULL, NULL, 0, NULL },
	{ "shop/db", NULL, NULL, 0, NULL },
	{ "shop/db:", NULL, NULL, 0, NULL },
	{ ":80", NULL, NULL, 0, NULL },
	{ "[]:80", NULL, NULL, 0, NULL },
	{ "shop/db:65536", NULL, NULL, 0, NULL },
	{ "shop/db:-1", NULL, NULL, 0, NULL },
	{ "shop/db:80/", NULL, NULL, 0, NULL },
	{ "shop/db:80x", NULL, NULL, 0, NULL },
	{ "shop/db:80/t c", NULL, NULL, 0, NULL },
	{ "shop/db:80/averyveryverylongprotocol", NULL, NULL, 0, NULL },
	{ "", NULL, NULL, 0, NULL },
};

static void test_targets(void)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct complaint why = { 0 };
		struct target t;
		int err = target_parse(targets[i].text, targets[i].ns, &t, &why);

		CHECK_EQ(!err, targets[i].end != NULL, "'%s'", targets[i].text);
		CHECK_EQ(!!err, why.text[0] != '\0', "'%s' is refused with a sentence", targets[i].text);
		if (err || !targets[i].end)
			continue;
		CHECK_TEXT(t.end, targets[i].end, "'%s'", targets[i].text);
		CHECK_EQ(t.port, targets[i].port, "'%s'", targets[i].text);
		CHECK_TEXT(t.protocol, targets[i].protocol, "'%s'", targets[i].text);
	}
}

static const struct { uint64_t ms; const char *text; } ages[] = {
	{ 0, "0 ms" }, { 999, "999 ms" }, { 1000, "1.0 s" }, { 59999, "59.9 s" }, { 60000, "1m 00s" },
	{ 3599000, "59m 59s" }, { 3600000, "1h 00m" }, { 86400000, "1d 0h" }, { 183600000, "2d 3h" },
};
static const struct { uint64_t bytes; const char *text; } sizes[] = {
	{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 1 << 20, "1.0 MiB" },
	{ 5ULL << 40, "5.0 TiB" }, { 5000ULL << 40, "5000.0 TiB" },
};

static void test_numbers(void)
{
	char buf[64];

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		CHECK_TEXT(text_age(ages[i].ms, buf, sizeof(buf)), ages[i].text, "age");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK_TEXT(text_bytes(sizes[i].bytes, buf, sizeof(buf)), sizes[i].text, "size");
	setenv("TZ", "UTC", 1);
	CHECK_TEXT(text_time(86399ULL * 1000000000 + 482999999, buf, sizeof(buf)), "23:59:59.482", "time");
	CHECK_TEXT(reason_sentence("no-rule"), "the pod is isolated, and no rule allows it", "a reason in words");
	CHECK_TEXT(reason_sentence("later-one"), "later-one", "a reason of a newer agent");
}

static void test_table(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct table t;

	table_begin(&t, "A", "LONG", "C", NULL);
	for (int i = 0; i < 60; i++)
		table_cell(&t, i == 3 ? "wider" : "%d", i);
	table_end(&t, to);
	fclose(to);
	CHECK(!strncmp(text, "A      LONG  C\n0      1     2\nwider  4     5\n", 43), "aligned: %.43s", text);
	free(text);
	to = open_memstream(&text, &size);
	table_begin(&t, "A", "B", NULL);
	table_cell(&t, "x\033[2J\xc3\xa9\n");
	table_cell(&t, "b");
	table_end(&t, to);
	fclose(to);
	CHECK_TEXT(text, "A          B\nx^[[2J\xc3\xa9\\n  b\n", "nothing moves the cursor, and a letter is a column");
	free(text);
	to = open_memstream(&text, &size);
	table_begin(&t, "A", NULL);
	table_end(&t, to);
	fclose(to);
	CHECK_EQ(size, 0, "no rows, no heads");
	free(text);
}

int main(void)
{
	test_targets();
	test_numbers();
	test_table();
	return check_done();
}
