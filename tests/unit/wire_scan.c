// SPDX-License-Identifier: Apache-2.0
/* A look into responses: kind, node and time of what we write, and of what nobody should. */
#include <errno.h>

#include "lib/wire/encode.h"
#include "lib/wire/scan.h"
#include "tests/check.h"

static uint8_t buf[4096];
#define END (buf + sizeof(buf))

static void ours(void)
{
	struct wire_loss loss = { WIRE_LOSS_HISTORY, 12, -1, 5, 6 };
	const char *nodes[] = { "a", "b" };
	struct wire_node_status status = { WIRE_NODE_GONE, nodes, 2, "left" };
	struct wire_scan s;
	size_t n = wire_mark_response("node-1", 1789000000123456789ULL, buf, sizeof(buf));

	CHECK_EQ(wire_scan(END - n, n, &s), 0, "a mark");
	CHECK_EQ(s.kind, WIRE_MARK, "its kind");
	CHECK(s.time == 1789000000123456789ULL, "its time");
	CHECK(s.node_size == 6 && !memcmp(s.node, "node-1", 6), "its node");
	n = wire_lost_response(&loss, "n", 7, buf, sizeof(buf));
	CHECK_EQ(wire_scan(END - n, n, &s), 0, "a loss");
	CHECK_EQ(s.kind, WIRE_LOST, "its kind");
	CHECK(s.body_size > 4, "its body");
	n = wire_node_status_response(&status, "n", 7, buf, sizeof(buf));
	CHECK_EQ(wire_scan(END - n, n, &s), 0, "a status");
	CHECK_EQ(s.kind, WIRE_NODE_STATUS, "its kind");
	CHECK_EQ(wire_scan(buf, 0, &s), 0, "nothing");
	CHECK(s.kind == WIRE_MARK && !s.time && !s.node_size, "is a mark of nobody");
}

#define B(text) text, sizeof(text) - 1

static void theirs(void)
{
	static const struct {
		const char *what, *bytes;
		size_t size;
		int err;
		enum wire_kind kind;
		uint64_t time;
	} rows[] = {
		{ "a flow without content", B("\x0a\x00"), 0, WIRE_FLOW, 0 },
		{ "the last of two kinds", B("\x0a\x00\x1a\x00"), 0, WIRE_LOST, 0 },
		{ "a field that we do not know", B("\x22\x01x\x0a\x00"), 0, WIRE_FLOW, 0 },
		{ "a flow as a number", B("\x08\x01"), 0, WIRE_MARK, 0 },
		{ "time in two parts", B("\xca\x3e\x02\x08\x05\xca\x3e\x02\x10\x07"), 0, WIRE_MARK, 5000000007ULL },
		{ "time before 1970", B("\xca\x3e\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, WIRE_MARK, 0 },
		{ "time beyond what 64 bits hold", B("\xca\x3e\x07\x08\xff\xff\xff\xff\xff\x7f"), 0, WIRE_MARK, 0 },
		{ "a length beyond the end", B("\x0a\x05xx"), -EBADMSG, WIRE_MARK, 0 },
		{ "a length without end", B("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -EBADMSG, WIRE_MARK, 0 },
		{ "a length of 2^64 - 1", B("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), -EBADMSG, WIRE_MARK, 0 },
		{ "cut in its head", B("\x8a"), -EBADMSG, WIRE_MARK, 0 },
		{ "field 0", B("\x02\x00"), -EBADMSG, WIRE_MARK, 0 },
		{ "a group", B("\x0b\x0c"), -EBADMSG, WIRE_MARK, 0 },
		{ "eight bytes cut short", B("\x21xxxxxxx"), -EBADMSG, WIRE_MARK, 0 },
		{ "four bytes cut short", B("\x25xxx"), -EBADMSG, WIRE_MARK, 0 },
		{ "a node that is no UTF-8", B("\xc2\x3e\x02\xc3\x28"), -EBADMSG, WIRE_MARK, 0 },
		{ "a node with a NUL", B("\xc2\x3e\x03" "a\0b"), -EBADMSG, WIRE_MARK, 0 },
		{ "time that is no message", B("\xca\x3e\x01\x08"), -EBADMSG, WIRE_MARK, 0 },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wire_scan s = { .kind = WIRE_MARK };

		CHECK_EQ(wire_scan((const uint8_t *)rows[i].bytes, rows[i].size, &s), rows[i].err, "%s", rows[i].what);
		if (rows[i].err)
			continue;
		CHECK_EQ(s.kind, rows[i].kind, "%s: kind", rows[i].what);
		CHECK(s.time == rows[i].time, "%s: time %llu", rows[i].what, (unsigned long long)s.time);
	}
}

int main(void)
{
	ours();
	theirs();
	return check_done();
}
