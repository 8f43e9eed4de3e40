// SPDX-License-Identifier: Apache-2.0
/* From the kernel's record of an end to the sentence: how long the flow lasted itself, and how long only its slot did. */
#include <stdio.h>
#include <string.h>

#include <weir/life.h>

#include "agent/datapath_inside.h"
#include "agent/flow_view.h"
#include "agent/naming.h"
#include "lib/flow/summary.h"
#include "tests/check.h"

#define BUCKETS 4
#define SLOT 3
#define SECOND 1000000000ULL
#define BEGAN (1000 * SECOND)

static struct weir_note table[BUCKETS * WEIR_WAYS];
static struct weir_control control = { .agents = 1 };
static struct datapath dp = { .view = { .control = &control, .note = table, .notes = BUCKETS * WEIR_WAYS, .buckets = BUCKETS } };
static struct names *names;
static struct quiet *quiet;
static struct ends *ends;
static struct rules *rules;
static struct records *records;
static struct notes notes;
static struct naming naming;
static __u16 incarnation;

static void begin(void)
{
	struct ends_with with = { .cluster = "" };

	CHECK_EQ(names_new(&names, "n1") ?: quiet_new(&quiet) ?: rules_open(&rules, NULL) ?: records_new(&records, 64), 0, "parts");
	names_share(names, quiet);
	with.names = names;
	with.quiet = quiet;
	CHECK_EQ(ends_new(&ends, &with) ?: notes_open(&notes, &dp), 0, "ends and notes");
	naming = (struct naming){ .ends = ends, .rules = rules, .records = records, .notes = &notes, .tick = SECOND / 16 };
	naming_time(&naming, BEGAN, 1700000000 * SECOND);
}

static void end(void)
{
	notes_close(&notes);
	ends_free(ends);
	records_free(records);
	rules_close(rules);
	names_free(names);
	quiet_free(quiet);
}

static void tell(const struct weir_record *r)
{
	naming_batch(&naming, &r, 1);
}

struct row {
	const char *what;
	__u8 proto, phase, why, flags;
	double lasted, idle;		/* seconds, idle as the tag counts it */
	__u64 out, back;		/* packets */
	bool known, silent;		/* its beginning was seen; the programs tell its silence */
	const char *want;
};

static void play(const struct row *row)
{
	struct weir_time t = { .now = 0, .hz = 256, .clock = 4 };	/* a tick is a sixteenth of a second */
	__u32 ago = row->idle * (row->phase == WEIR_CONFIRMED ? 1 : 16);
	__u32 silence = row->silent ? weir_silence((__u64)row->proto << 56 | (__u64)(__u16)-ago << 24 | row->phase, &t) : 0;
	struct weir_record opened = { .time = BEGAN, .proto = row->proto, .kind = WEIR_REC_OPENED, .reason = WEIR_ALLOWED,
				      .flags = WEIR_REC_HERE, .slot = SLOT, .incarnation = ++incarnation, .packets = 1, .bytes = 60 };
	struct weir_record closed = opened;
	struct flow_views views = { .ends = ends, .rules = rules, .node = "n1" };
	char text[FLOW_SUMMARY_SIZE];
	struct record record;
	struct flow flow;

	closed.kind = WEIR_REC_CLOSED;
	closed.reason = row->why;
	closed.time = BEGAN + (uint64_t)((row->lasted + row->idle) * SECOND);
	closed.tcp_flags = row->flags | silence >> 8 << 3;
	closed.audit = silence;
	closed.total.packets[0] = row->out;
	closed.total.packets[1] = row->back;
	closed.total.bytes[0] = row->out * 60;
	closed.total.bytes[1] = row->back * 60;
	closed.total.handshake_us = closed.total.answer_us = 0;
	if (row->known)
		tell(&opened);
	tell(&closed);
	CHECK_EQ(records_copy(records, records_next(records) - 1, &record), 0, "%s: it is in the history", row->what);
	CHECK(!record.audit && !(record.tcp_flags & ~(WEIR_CLOSED_FIN | WEIR_CLOSED_RST)), "%s: and only there", row->what);
	flow_view(&views, &record, 0, &flow);
	flow_summary(&flow, text);
	CHECK_TEXT(text, row->want, "%s", row->what);
}

int main(void)
{
	enum { FIN = WEIR_CLOSED_FIN, RST = WEIR_CLOSED_RST, ENDED = WEIR_CLOSED_ENDED };
	static const struct row row[] = {
		{ "an exchange of datagrams", 17, WEIR_ANSWERED, WEIR_END_EXPIRED, 0, 3.1, 61, 3, 2, true, true,
		  "UDP; expired after 3.1s, then idle for 61s: 3 packets, 180 bytes out; 2 packets, 120 bytes back" },
		{ "one datagram lasts no time, whatever the clocks say", 17, WEIR_OPENED, WEIR_END_EXPIRED, 0, 0.06, 33, 1, 0, true, true,
		  "UDP; expired after 0.0s, then idle for 33s: 1 packet, 60 bytes out; 0 packets, 0 bytes back" },
		{ "a connection whose end nobody saw, hours later", 6, WEIR_CONFIRMED, WEIR_END_EXPIRED, 0, 100, 21600, 9, 9, true, true,
		  "TCP; expired after 100.0s, then idle for 21600s: 9 packets, 540 bytes out; 9 packets, 540 bytes back" },
		{ "one that one side had closed", 6, WEIR_CONFIRMED, WEIR_END_EXPIRED, FIN, 2, 64, 9, 9, true, true,
		  "TCP Flags: FIN; expired after 2.0s, then idle for 64s: 9 packets, 540 bytes out; 9 packets, 540 bytes back" },
		{ "one that ended as it should", 6, WEIR_ENDED, WEIR_END_EXPIRED, FIN | ENDED, 0.25, 60, 5, 5, true, true,
		  "TCP Flags: FIN; closed after 0.3s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
		{ "one that was reset, its slot taken by the next", 6, WEIR_ENDED, WEIR_END_REUSED, RST | ENDED, 7, 5, 5, 5, true, true,
		  "TCP Flags: RST; closed after 7.0s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
		{ "of a pod that left", 17, WEIR_CONFIRMED, WEIR_END_LEFT, 0, 90, 10, 5, 5, true, true,
		  "UDP; left after 90.0s, then idle for 10s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
		{ "and one that spoke to the end", 17, WEIR_CONFIRMED, WEIR_END_LEFT, 0, 90, 1, 5, 5, true, true,
		  "UDP; left after 90.0s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
		{ "its beginning was not seen", 17, WEIR_CONFIRMED, WEIR_END_EXPIRED, 0, 90, 182, 5, 5, false, true,
		  "UDP; expired after at least 0.0s, then idle for 182s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
		{ "programs of before that do not tell", 17, WEIR_CONFIRMED, WEIR_END_EXPIRED, 0, 90, 182, 5, 5, true, false,
		  "UDP; expired after 272.000s: 5 packets, 300 bytes out; 5 packets, 300 bytes back" },
	};

	begin();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		play(&row[i]);
	end();
	return check_done();
}
