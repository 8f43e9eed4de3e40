// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/flow/summary.h"
#include "lib/flow/words.h"

/* Where the line goes on, and where it must end. */
struct line {
	char *at, *end;
};

static void put(struct line *l, const char *text)
{
	size_t n = strlen(text), room = (size_t)(l->end - l->at);

	n = n < room ? n : room;
	memcpy(l->at, text, n);
	l->at += n;
}

static void put_number(struct line *l, uint64_t v)
{
	char digits[21], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	put(l, p);
}

/* "1.234s", to the millisecond. */
static void put_seconds(struct line *l, uint64_t ns)
{
	uint64_t ms = ns / 1000000 % 1000;
	char fraction[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 's', '\0' };

	put_number(l, ns / 1000000000);
	put(l, fraction);
}

static void put_traffic(struct line *l, uint64_t packets, uint64_t bytes, const char *way)
{
	put_number(l, packets);
	put(l, packets == 1 ? " packet, " : " packets, ");
	put_number(l, bytes);
	put(l, bytes == 1 ? " byte " : " bytes ");
	put(l, way);
}

struct icmp_word {
	uint8_t type, code;
	bool any;			/* whatever the code */
	const char *text;
};

static const struct icmp_word icmp4[] = {
	{ 0, 0, true, "EchoReply" }, { 8, 0, true, "EchoRequest" },
	{ 3, 0, false, "DestinationUnreachable(Net)" }, { 3, 1, false, "DestinationUnreachable(Host)" },
	{ 3, 2, false, "DestinationUnreachable(Protocol)" }, { 3, 3, false, "DestinationUnreachable(Port)" },
	{ 3, 4, false, "DestinationUnreachable(FragmentationNeeded)" }, { 3, 0, true, "DestinationUnreachable" },
	{ 4, 0, true, "SourceQuench" }, { 5, 0, true, "Redirect" }, { 9, 0, true, "RouterAdvertisement" },
	{ 10, 0, true, "RouterSolicitation" }, { 11, 0, false, "TimeExceeded(TTLExceeded)" },
	{ 11, 0, true, "TimeExceeded" }, { 12, 0, true, "ParameterProblem" }, { 13, 0, true, "TimestampRequest" },
	{ 14, 0, true, "TimestampReply" },
};
static const struct icmp_word icmp6[] = {
	{ 1, 0, false, "DestinationUnreachable(NoRouteToDst)" },
	{ 1, 1, false, "DestinationUnreachable(AdminProhibited)" },
	{ 1, 3, false, "DestinationUnreachable(Address)" }, { 1, 4, false, "DestinationUnreachable(Port)" },
	{ 1, 0, true, "DestinationUnreachable" }, { 2, 0, true, "PacketTooBig" },
	{ 3, 0, false, "TimeExceeded(HopLimitExceeded)" }, { 3, 0, true, "TimeExceeded" },
	{ 4, 0, true, "ParameterProblem" }, { 128, 0, true, "EchoRequest" }, { 129, 0, true, "EchoReply" },
	{ 133, 0, true, "RouterSolicitation" }, { 134, 0, true, "RouterAdvertisement" },
	{ 135, 0, true, "NeighborSolicitation" }, { 136, 0, true, "NeighborAdvertisement" }, { 137, 0, true, "Redirect" },
};

static void put_icmp(struct line *l, const struct flow *f)
{
	bool six = f->proto != 1;
	const struct icmp_word *list = six ? icmp6 : icmp4;
	unsigned int n = six ? sizeof(icmp6) / sizeof(*icmp6) : sizeof(icmp4) / sizeof(*icmp4);
	uint8_t type = f->icmp ? f->sport >> 8 : six ? 128 : 8, code = f->icmp ? f->sport & 0xff : 0;

	put(l, six ? "ICMPv6 " : "ICMPv4 ");
	for (unsigned int i = 0; i < n; i++)
		if (list[i].type == type && (list[i].any || list[i].code == code)) {
			put(l, list[i].text);
			return;
		}
	put_number(l, type);
	put(l, "(");
	put_number(l, code);
	put(l, ")");
}

static void put_protocol(struct line *l, const struct flow *f)
{
	char buf[FLOW_FLAGS_SIZE];

	switch (f->proto) {
	case 6:
		if (f->tcp_flags)
			put(l, "TCP Flags: ");
		put(l, f->tcp_flags ? flow_flags_text(f->tcp_flags, buf) : "TCP");
		return;
	case 1:
	case 58:
		put_icmp(l, f);
		return;
	case 2:
	case 17:
	case 112:
	case 132:
		put(l, flow_protocol_text(f->proto, buf));
		return;
	}
	if (!f->proto && !(f->src.w[0] | f->src.w[1] | f->dst.w[0] | f->dst.w[1])) {
		put(l, "headers not read");
		return;
	}
	put(l, "Protocol ");
	put_number(l, f->proto);
}

/* "1.2s": a slot notes its last packet to the second, so thousandths would say what nobody knows. */
static void put_tenths(struct line *l, uint64_t ns)
{
	uint64_t tenths = ns / 100000000 + (ns % 100000000 >= 50000000);
	char fraction[] = { '.', (char)('0' + tenths % 10), 's', '\0' };

	put_number(l, tenths / 10);
	put(l, fraction);
}

#define IDLE_WORTH 2000000000ULL	/* nanoseconds: less may be no silence at all */

/* Whose ends said so is closed, whatever then became of its slot; else how long it was silent belongs to it. */
static void put_end(struct line *l, const struct flow *f)
{
	bool closed = f->ended && !f->cut;

	put(l, "; ");
	put(l, f->cut ? "cut" : closed || !*f->reason ? "closed" : f->reason);
	put(l, f->at_least ? " after at least " : " after ");
	(f->idle ? put_tenths : put_seconds)(l, f->duration);
	if (!closed && f->idle >= IDLE_WORTH) {
		put(l, ", then idle for ");
		put_number(l, f->idle / 1000000000 + (f->idle % 1000000000 >= 500000000));
		put(l, "s");
	}
	put(l, ": ");
	put_traffic(l, f->packets[0], f->bytes[0], "out; ");
	put_traffic(l, f->packets[1], f->bytes[1], "back");
}

size_t flow_summary(const struct flow *f, char buf[FLOW_SUMMARY_SIZE])
{
	struct line l = { buf, buf + FLOW_SUMMARY_SIZE - 1 };

	put_protocol(&l, f);
	if (f->kind == FLOW_CLOSED)
		put_end(&l, f);
	else if (f->kind == FLOW_DENIED && f->repeats) {
		put(&l, "; and ");
		put_number(&l, f->repeats);
		put(&l, " more like it");
	}
	*l.at = '\0';
	return (size_t)(l.at - buf);
}
