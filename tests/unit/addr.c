// SPDX-License-Identifier: Apache-2.0
/* Addresses and prefixes: what is one, how it is written back, what it covers. */
#include <errno.h>

#include "lib/addr.h"
#include "tests/check.h"

static const struct { const char *text, *back; } addresses[] = {
	{ "10.0.0.1", "10.0.0.1" }, { "0.0.0.0", "0.0.0.0" }, { "255.255.255.255", "255.255.255.255" },
	{ "fd00::1", "fd00::1" }, { "FD00:0:0::0:1", "fd00::1" }, { "::", "::" }, { "::1.2.3.4", "::1.2.3.4" },
	{ "::ffff:10.0.0.1", NULL }, { "10.0.0.01", NULL }, { "10.0.0", NULL }, { "", NULL }, { "fd00::1%eth0", NULL },
	{ "10.0.0.1 ", NULL }, { "fd00:::1", NULL },
};

static const struct { const char *text, *back; } prefixes[] = {
	{ "10.1.2.3/8", "10.0.0.0/8" }, { "10.1.2.3", "10.1.2.3/32" }, { "0.0.0.0/0", "0.0.0.0/0" },
	{ "10.0.0.255/25", "10.0.0.128/25" }, { "10.0.0.1/32", "10.0.0.1/32" }, { "::/0", "::/0" },
	{ "fd00:1:2::9/48", "fd00:1:2::/48" }, { "fd00::1", "fd00::1/128" }, { "10.0.0.0/33", NULL },
	{ "fd00::/129", NULL }, { "10.0.0.0/", NULL }, { "10.0.0.0/-1", NULL }, { "10.0.0.0/8x", NULL },
	{ "/8", NULL }, { "10.0.0.0/ 8", NULL },
};

static const struct { const char *prefix, *addr; bool covers; } covers[] = {
	{ "10.0.0.0/8", "10.255.0.1", true }, { "10.0.0.0/8", "11.0.0.1", false }, { "0.0.0.0/0", "1.2.3.4", true },
	{ "0.0.0.0/0", "fd00::1", false }, { "::/0", "fd00::1", true }, { "::/0", "10.0.0.1", false },
	{ "fd00::/8", "fdff::", true }, { "fd00::/8", "fe00::", false }, { "10.0.0.1/32", "10.0.0.1", true },
	{ "10.0.0.1/32", "10.0.0.2", false }, { "10.0.0.128/25", "10.0.0.127", false },
};

#define EACH(table) for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)

int main(void)
{
	char buf[ADDR_TEXT_SIZE];
	struct weir_prefix p;
	struct weir_addr a;

	EACH(addresses) {
		int err = addr_parse(addresses[i].text, &a);

		CHECK_EQ(err, addresses[i].back ? 0 : -EINVAL, "address '%s'", addresses[i].text);
		if (!err)
			CHECK_TEXT(addr_text(&a, buf), addresses[i].back, "address '%s'", addresses[i].text);
	}
	EACH(prefixes) {
		int err = prefix_parse(prefixes[i].text, &p);

		CHECK_EQ(err, prefixes[i].back ? 0 : -EINVAL, "prefix '%s'", prefixes[i].text);
		if (!err)
			CHECK_TEXT(prefix_text(&p, buf), prefixes[i].back, "prefix '%s'", prefixes[i].text);
	}
	EACH(covers) {
		CHECK(!prefix_parse(covers[i].prefix, &p) && !addr_parse(covers[i].addr, &a), "row %zu", i);
		CHECK_EQ(prefix_covers(&p, &a), covers[i].covers, "%s of %s", covers[i].addr, covers[i].prefix);
	}
	return check_done();
}
