// SPDX-License-Identifier: Apache-2.0
/* A tag's clock: how long a flow has been silent, as a record tells it, and whether it still goes on. */
#include <weir/life.h>

#include "tests/check.h"

static const struct weir_time at = { .now = 0, .hz = 250, .clock = 4 };

/* Last heard of so many units ago. */
static __u64 tag(__u32 proto, __u32 phase, __u32 ago)
{
	return (__u64)proto << 56 | (__u64)(__u16)-ago << 24 | phase;
}

static void silences(void)
{
	static const __u32 phase[] = { WEIR_OPENED, WEIR_CONFIRMED, WEIR_ENDED };

	for (int p = 0; p < 3; p++) {
		__u32 unit = phase[p] == WEIR_CONFIRMED ? 16 : 1, wrong = 0, wide = 0;

		for (__u32 ago = 0; ago < 0xff00; ago++) {
			__u32 word = weir_silence(tag(6, phase[p], ago), &at), want = ago * unit, is = weir_silence_ticks(word);

			wrong += ago <= 0x7ff ? is != want : is > want || want - is > want / 128;
			wide += word >> 13;
		}
		CHECK_EQ(wrong, 0, "phase %u: exact while it is short, to one part in 128 beyond", phase[p]);
		CHECK_EQ(wide, 0, "phase %u: 13 bits", phase[p]);
	}
	CHECK_EQ(weir_silence(tag(6, WEIR_OPENED, (__u32)-1), &at), 0, "another CPU's clock may be ahead");
}

static void lives(void)
{
	static const struct {
		const char *what;
		__u32 proto, phase, seconds;
		int live;
	} row[] = {
		{ "a datagram just now", 17, WEIR_OPENED, 1, 1 },
		{ "half a minute ago", 17, WEIR_OPENED, 29, 1 },
		{ "longer ago", 17, WEIR_OPENED, 33, 0 },
		{ "an exchange of datagrams", 17, WEIR_CONFIRMED, 29, 1 },
		{ "one that has ended, by the look of it", 17, WEIR_CONFIRMED, 33, 0 },
		{ "a SYN that nobody answers", 6, WEIR_OPENED, 33, 0 },
		{ "a connection within an hour", 6, WEIR_CONFIRMED, 3600, 1 },
		{ "one that no keep-alive was heard of", 6, WEIR_CONFIRMED, 7300, 0 },
		{ "an association", 132, WEIR_CONFIRMED, 3600, 1 },
		{ "a connection that is over", 6, WEIR_ENDED, 0, 0 },
		{ "one that was cut", 6, WEIR_CUT_FLOW, 0, 0 },
		{ "a slot of nobody", 0, WEIR_FREE, 0, 0 },
		{ "one that changes hands", 6, WEIR_BUSY, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		__u32 units = row[i].seconds * 250 >> (row[i].phase == WEIR_CONFIRMED || row[i].phase == WEIR_CUT_FLOW ? 8 : 4);

		CHECK_EQ(weir_live(tag(row[i].proto, row[i].phase, units), &at), row[i].live, "%s", row[i].what);
	}
}

int main(void)
{
	silences();
	lives();
	return check_done();
}
