// SPDX-License-Identifier: Apache-2.0
/* Who pays and who makes room; what is counted, timed and told. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/life.h>

#include "tests/bpf/life.h"

/* ------------------------------------------------------------------ room */

static int flood(int from, int to, const char *format, enum weir_reason want)
{
	int n = 0;

	for (int i = from; i < to; i++) {
		char text[128];

		snprintf(text, sizeof(text), format, i);
		n += world_send(w, FROM(strchr(format, 'A') ? A : C), text) == want;
	}
	return n;
}
/* What the table holds, by payer, counted anew. */
static void usage_exact(const char *says)
{
	__u32 slots[PODS] = {}, half[PODS] = {};

	for (__u32 i = 0; i <= w->control->bucket_mask; i++) {
		for (int way = 0; way < WEIR_WAYS; way++) {
			__u64 t = w->flows[i].tag[way], g = w->flows[i].hot[way].gate;
			int side = !!(t & WEIR_TAG_OPENER);
			__u32 payer = WEIR_GATE_EP(g, side);

			if (WEIR_TAG_PHASE(t) < WEIR_OPENED)
				continue;
			if (!payer || payer == WEIR_ENDPOINT_NODE)
				payer = WEIR_GATE_EP(g, !side);
			slots[payer]++;
			half[payer] += WEIR_TAG_PHASE(t) <= WEIR_ANSWERED;
		}
	}
	for (int pod = A; pod < PODS; pod++) {
		CHECK_EQ(w->usage[pod].slots, slots[pod], "%s: slots of %d: %s", script, pod, says);
		CHECK_EQ(w->usage[pod].half_open, half[pod], "%s: half-open of %d: %s", script, pod, says);
	}
}

static void quotas(void)
{
	unsigned int before;

	w->endpoints[A].quota_half = 20;
	w->endpoints[C].quota = 10;
	CHECK_EQ(flood(0, 20, "tcp A:%d > B:80 S", WEIR_ALLOWED), 20, "as many half-open flows as the quota says");
	usage_exact("at the quota");
	before = stat_of(WEIR_STAT_EVICTED);
	flood(100, 300, "tcp A:%d > B:80 S", WEIR_ALLOWED);
	usage_exact("after a flood");
	CHECK(w->usage[A].half_open <= 20, "never more than its quota (%u)", w->usage[A].half_open);
	CHECK(world_sum(w, WEIR_QUOTA_HALF).packets > 0, "the rest is dropped, with its own reason");
	CHECK_EQ(world_sum(w, WEIR_QUOTA_HALF).packets + stat_of(WEIR_STAT_EVICTED) - before, 200,
		 "each took one of its own slots or was dropped");
	flood(0, 50, "udp C:%d > B:9", WEIR_ALLOWED);
	usage_exact("C, too");
	CHECK(w->usage[C].slots <= 10, "never more than its quota (%u)", w->usage[C].slots);
	CHECK(world_sum(w, WEIR_QUOTA).packets > 0, "dropped with its own reason");
	sent("another pod is not concerned", FROM(B), "tcp B:1 > A:80 S", WEIR_ALLOWED);
	sent("who is not local lets the receiver pay", TO(B, IF_UPLINK), "tcp O:7 > B:80 S", WEIR_ALLOWED);
	CHECK_EQ(w->usage[B].slots, 2, "B pays for both");
	sent("answered", FROM(B), "tcp B:80 > O:7 SA", WEIR_KNOWN);
	CHECK_EQ(w->usage[B].half_open, 2, "half-open until confirmed");
	passes("confirmed", TO(B, IF_UPLINK), "tcp O:7 > B:80 A");
	CHECK_EQ(w->usage[B].half_open, 1, "no longer");
	usage_exact("at the end");
}

static void full_table(void)
{
	unsigned int slots = (w->control->bucket_mask + 1) * WEIR_WAYS;
	unsigned long opened = 0;

	for (int i = 0; i < (int)slots / 2; i++) {	/* confirmed ones, half of the table */
		char text[3][64];

		snprintf(text[0], 64, "udp A:%d > B:1", i);
		snprintf(text[1], 64, "udp B:1 > A:%d", i);
		if (world_send(w, FROM(A), text[0]) != WEIR_ALLOWED)
			continue;
		opened++;
		world_send(w, FROM(B), text[1]);
		world_send(w, FROM(A), text[0]);
	}
	CHECK_EQ(opened, slots / 2, "half of the table");
	flood(0, 4 * slots, "udp C:%d > B:1", WEIR_ALLOWED);
	opened = 0;
	for (int i = 0; i < (int)slots / 2; i++) {
		char text[64];
		struct flow_seen f;

		snprintf(text, sizeof(text), "udp A:%d > B:1", i);
		opened += world_flow(w, text, &f) && WEIR_TAG_PHASE(f.tag) == WEIR_CONFIRMED;
	}
	CHECK_EQ(opened, slots / 2, "no confirmed flow made room for a flood");
	usage_exact("full");
	world_later(w, 300);
	opened = flood(0, 64, "tcp C:%d > B:2 S", WEIR_ALLOWED);
	CHECK_EQ(opened, 64, "silent beyond their life, they do");
	usage_exact("after");
}

/* ------------------------------------------------------------------ counting and telling */

static void counts(void)
{
	struct flow_seen f;
	unsigned long packets = 3, bytes;

	handshake();
	sent("data", FROM(A), AB " A len=1000", WEIR_KNOWN);
	world_flow(w, AB, &f);
	CHECK_EQ(f.packets, 4, "packets");
	CHECK_EQ(f.bytes, 3 * 40 + 1040, "IP bytes");
	bytes = f.bytes;
	w->gso_size = 500;
	w->gso_segs = 4;
	sent("four segments in one", FROM(A), AB " A len=2000", WEIR_KNOWN);
	w->gso_size = w->gso_segs = 0;
	world_flow(w, AB, &f);
	CHECK_EQ(f.packets, 4 + 4, "segments are packets");
	CHECK_EQ(f.bytes - bytes, 2040 + 3 * 40, "each with its headers");
	bytes = f.bytes;
	w->gso_size = 1;
	w->gso_segs = 30000;
	for (int i = 0; i < 5; i++)
		sent("many", FROM(A), AB " A len=100", WEIR_KNOWN);
	w->gso_size = w->gso_segs = 0;
	packets = f.packets;
	world_flow(w, AB, &f);
	CHECK(f.gate & WEIR_GATE_MOVED, "counts moved to the totals");
	CHECK_EQ(f.packets - packets, 5 * 30000, "and none was lost");
	CHECK_EQ(f.bytes - bytes, 5 * (140 + 29999 * 40), "nor a byte");
	CHECK_EQ(stat_of(WEIR_STAT_STRAY), 0, "none astray");
	w->asked[0] = (struct weir_ask){ .bucket = f.bucket, .way = f.way, .why = WEIR_END_LEFT, .tag = f.tag ^ 0x100 };
	w->asked[1].tag = 0;
	CHECK_EQ(world_expire(w), 0, "another tag is no proof");
	w->asked[0].tag = f.tag;
	world_drain(w);
	CHECK_EQ(world_expire(w), 1, "freed on request");
	world_drain(w);
	CHECK_EQ(w->last.kind, WEIR_REC_CLOSED, "and told");
	CHECK_EQ(w->last.reason, WEIR_END_LEFT, "why");
	CHECK_EQ(w->last.total.packets[0] + w->last.total.packets[1], f.packets, "all packets");
	CHECK_EQ(w->last.total.bytes[0] + w->last.total.bytes[1], f.bytes, "all bytes");
	CHECK_EQ(w->last.total.packets[1], 1, "one of them from B");
	CHECK_EQ(world_flows(w), 0, "the table is empty");
	CHECK_EQ(w->usage[A].slots, 0, "A pays for nothing");
}

static void second_hook_counts_nothing(void)
{
	struct flow_seen f;

	stack_mode();
	passes("at its sender", FROM(A), AB " S");
	passes("at its receiver", TO(B, IF_A), AB " S");
	passes("the answer at its sender", FROM(B), BA " SA");
	passes("the answer at its receiver", TO(A, IF_B), BA " SA");
	passes("ACK at its sender", FROM(A), AB " A");
	passes("ACK at its receiver", TO(B, IF_A), AB " A");
	CHECK(world_flow(w, AB, &f), "one flow");
	CHECK_EQ(f.packets, 3, "three packets, each counted once");
	CHECK_EQ(world_flows(w), 1, "no other");
	CHECK_EQ(world_sum(w, WEIR_ALLOWED).packets, 1, "one was allowed");
	passes("from outside", TO(B, IF_UPLINK), "udp O:1 > B:1");
	world_flow(w, "udp O:1 > B:1", &f);
	CHECK_EQ(f.packets, 1, "counted where it came in");
	CHECK_EQ(w->hits[WEIR_RULE_OPEN], 3, "each side was judged once");
}

static unsigned long told(void)
{
	return w->kinds[WEIR_REC_DENIED] ? w->last.repeats : 0;
}
static unsigned long sums_told(void)
{
	unsigned long n = 0;

	for (int i = 0; i < WEIR_DENIED_SUMS; i++)
		n += w->denied_sums[i].packets;
	return n;
}
static void denials(void)
{
	unsigned long left;

	world_isolate(w, B, WEIR_INGRESS);
	world_commit(w);
	sent("denied", FROM(A), AB " S", WEIR_NO_RULE);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_DENIED], 1, "told");
	CHECK_EQ(w->last.rule[WEIR_INGRESS], WEIR_RULE_ISOLATED, "by whom");
	CHECK(w->last.flags & WEIR_REC_INGRESS, "the receiver's side said no");
	CHECK_EQ(w->last.endpoint[WEIR_INGRESS], B, "which is B's");
	for (int i = 0; i < 9; i++)
		sent("and again", FROM(A), AB " S", WEIR_NO_RULE);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_DENIED], 0, "repeats are counted");
	CHECK_EQ(stat_of(WEIR_STAT_REPEATED), 9, "nine");
	world_later(w, 2);
	sent("later", FROM(A), AB " S", WEIR_NO_RULE);
	world_drain(w);
	CHECK_EQ(told(), 9, "the next record tells them");
	for (int i = 0; i < 3; i++)
		sent("again", FROM(A), AB " S", WEIR_NO_RULE);
	for (int i = 0; i < 40000; i++) {		/* others, until its entry was taken */
		char text[64];

		snprintf(text, sizeof(text), "udp A:%d > B:%d", i & 0x7fff, 1 + (i >> 15));
		world_send(w, FROM(A), text);
		if ((i & 1023) == 1023)
			world_drain(w);
	}
	left = sums_told();
	CHECK_EQ(left, 3, "repeats that nobody told of are in the sums");
	world_drain(w);
	for (int i = 0; i < 20000; i++) {		/* until the ring is full */
		char text[64];

		snprintf(text, sizeof(text), "udp A:%d > B:9", i);
		world_send(w, FROM(A), text);
	}
	world_drain(w);
	left = sums_told();
	CHECK(stat_of(WEIR_STAT_LOST_DENIED) > 0, "the ring was full");
	CHECK_EQ(left - 3, stat_of(WEIR_STAT_LOST_DENIED), "what it could not take is in the sums");
	CHECK_EQ(w->kinds[WEIR_REC_DENIED] + stat_of(WEIR_STAT_LOST_DENIED), 20000, "records and losses are the drops");
}

static void observe_only(void)
{
	world_isolate(w, B, WEIR_INGRESS);
	world_commit(w);
	w->control->observe_only = 1;
	sent("judged", FROM(A), AB " S", WEIR_NO_RULE);
	CHECK(w->retval != 2, "but not dropped");
	sent("spoofed", FROM(A), "tcp C:1 > B:80 S", WEIR_SPOOFED);
	CHECK(w->retval != 2, "not dropped either");
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_DENIED], 2, "and told");
}

static void hairpin(void)
{
	world_isolate(w, B, WEIR_INGRESS);
	world_isolate(w, B, WEIR_EGRESS);
	world_commit(w);
	sent("to its own address", FROM(B), "tcp B:1 > B:80 S", WEIR_ALLOWED);
	passes("where it comes back", TO(B, IF_B), "tcp B:1 > B:80 S");
	world_isolate(w, C, WEIR_EGRESS);
	world_commit(w);
	sent("a granted address is whoever's has it", FROM(C), "tcp G:1 > G:80 S", WEIR_NO_RULE);
	w->control->hairpin = 1;
	sent("when that is judged, too", FROM(B), "tcp B:2 > B:80 S", WEIR_NO_RULE);
	world_open_policy(w);
	world_isolate(w, B, WEIR_INGRESS);
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_B, 6, 80, 80, 100));
	world_commit(w);
	sent("and a rule allows it", FROM(B), "tcp B:2 > B:80 S", WEIR_ALLOWED);
	sent("and another port", FROM(B), "tcp B:2 > B:81 S", WEIR_NO_RULE);
}

static void redirect(void)
{
	sent("between two veths of ours", FROM(A), AB " S", WEIR_ALLOWED);
	CHECK_EQ(w->retval, 7, "is handed over");
	sent("at its last hop", FROM(A), AB " S ttl=1", WEIR_KNOWN);
	CHECK_EQ(w->retval, -1, "the stack answers");
	sent("with a tag", FROM(A), AB " S vlan=3", WEIR_KNOWN);
	CHECK_EQ(w->retval, -1, "is for an interface of the host");
	w->endpoints[B].flags = WEIR_EP_REDIRECT_FROM;
	sent("something foreign at the receiver", FROM(A), AB " S", WEIR_KNOWN);
	CHECK_EQ(w->retval, -1, "goes by the stack");
	sent("the other way", FROM(B), BA " SA", WEIR_KNOWN);
	CHECK_EQ(w->retval, 7, "is handed over");
	w->endpoints[A].flags = WEIR_EP_REDIRECT_TO;
	w->endpoints[B].flags = WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO;
	sent("something foreign at the sender", FROM(A), AB " A", WEIR_KNOWN);
	CHECK_EQ(w->retval, -1, "goes by the stack");
	sent("to the outside", FROM(A), "tcp A:1 > O:80 S", WEIR_ALLOWED);
	CHECK_EQ(w->retval, -1, "goes by the stack");
	sent("to everybody", FROM(A), "udp A:1 > 224.0.0.251:5353", WEIR_ALLOWED);
	CHECK_EQ(w->retval, -1, "goes by the stack");
	passes("comes out at many", TO(B, IF_A), "udp A:1 > 224.0.0.251:5353");
	passes("and at another", TO(C, IF_A), "udp A:1 > 224.0.0.251:5353");
	world_isolate(w, C, WEIR_INGRESS);
	world_commit(w);
	passes("who may", TO(B, IF_A), "udp A:1 > 224.0.0.251:5353");
	drops("who may not", TO(C, IF_A), "udp A:1 > 224.0.0.251:5353");
}

static void leaving(void)
{
	struct flow_seen f;
	__u32 ifindex = w->endpoints[B].ifindex;

	handshake();
	w->endpoints[B].ifindex = 0;
	sent("the pod is gone: nothing passes", FROM(B), BA " A", WEIR_UNARMED);
	passes("what is for it goes by the stack", FROM(A), "tcp A:7 > B:80 S");
	sent("and no further", TO(B, IF_A), "tcp A:7 > B:80 S", WEIR_UNARMED);
	world_flow(w, AB, &f);
	w->asked[0] = (struct weir_ask){ .bucket = f.bucket, .way = f.way, .why = WEIR_END_LEFT, .tag = f.tag };
	w->asked[1].tag = 0;
	CHECK_EQ(world_expire(w), 1, "its flow is retired");
	world_word(w, WHO_B, WEIR_WORD(CLASS(WHO_B), CLASS(WHO_B), B, WEIR_WORD_SET | WEIR_WORD_POD | WEIR_WORD_RESTING));
	w->endpoints[B].ifindex = ifindex;
	sent("the next bearer of the address rests", FROM(B), BA " A", WEIR_RESTING);
	sent("nobody reaches it", FROM(A), AB " S", WEIR_RESTING);
	world_word(w, WHO_B, WEIR_WORD(CLASS(WHO_B), CLASS(WHO_B), B, WEIR_WORD_SET | WEIR_WORD_POD));
	sent("and then they do, anew", FROM(A), AB " S", WEIR_ALLOWED);
}

static void stranger_known(void)
{
	world_isolate(w, B, WEIR_INGRESS);
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_STRANGER, 6, 80, 80, 100));
	world_commit(w);
	sent("a pod not yet known", TO(B, IF_UPLINK), "tcp S:1 > B:80 S", WEIR_STRANGER);
	world_word(w, WHO_STRANGER, WEIR_WORD(CLASS(WHO_STRANGER), CLASS(WHO_STRANGER), 0, WEIR_WORD_SET | WEIR_WORD_POD));
	sent("is let in by its first packet after it is known", TO(B, IF_UPLINK), "tcp S:1 > B:80 S", WEIR_ALLOWED);
	world_open_policy(w);
	world_quiet_commit(w);
	sent("an open set passes a pod not yet known", TO(B, IF_UPLINK), "tcp 10.0.8.9:1 > B:80 S", WEIR_ALLOWED);
}

static void closed_record(const char *packet)
{
	struct flow_seen f;

	world_flow(w, packet, &f);
	w->asked[0] = (struct weir_ask){ .bucket = f.bucket, .way = f.way, .why = WEIR_END_LEFT, .tag = f.tag };
	w->asked[1].tag = 0;
	world_drain(w);
	CHECK_EQ(world_expire(w), 1, "freed on request");
	world_drain(w);
	CHECK_EQ(w->last.kind, WEIR_REC_CLOSED, "and told");
}

/* The three packets of a handshake say how long it took; what was not seen whole says nothing. */
static void timings(void)
{
	for (int i = 0; i < 2; i++) {
		__u32 answer, whole;

		sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
		usleep(30000);
		sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
		sent("and once more", FROM(B), BA " SA", WEIR_KNOWN);
		usleep(20000);
		sent("ACK", FROM(A), AB " A", WEIR_KNOWN);
		usleep(1000);
		sent("data", FROM(A), AB " A len=10", WEIR_KNOWN);
		closed_record(AB);
		answer = w->last.total.answer_us;
		whole = w->last.total.handshake_us;
		CHECK(answer >= 29990 && answer < 10000000, "the answer took 30 ms or more, not %u us", answer);
		CHECK(whole >= answer + 19990 && whole < 20000000, "the opener went on 20 ms later, not after %u us", whole);
	}
	sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
	sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
	closed_record(AB);
	CHECK(w->last.total.answer_us && !w->last.total.handshake_us, "answered, and no more");
	sent("from the middle", FROM(A), AB " A", WEIR_ALLOWED);
	sent("its answer", FROM(B), BA " A", WEIR_KNOWN);
	sent("and on", FROM(A), AB " A", WEIR_KNOWN);
	closed_record(AB);
	CHECK(!w->last.total.answer_us && !w->last.total.handshake_us, "no handshake was seen");
	sent("a datagram", FROM(A), "udp A:4000 > B:80", WEIR_ALLOWED);
	sent("its answer", FROM(B), "udp B:80 > A:4000", WEIR_KNOWN);
	sent("and on", FROM(A), "udp A:4000 > B:80", WEIR_KNOWN);
	closed_record("udp A:4000 > B:80");
	CHECK(!w->last.total.answer_us && !w->last.total.handshake_us, "UDP has none");
}

/* The record of an end says for how long nothing had been heard of the flow, and whether its ends had said so. */
static void closed_after(const char *packet, unsigned int seconds, unsigned int flags)
{
	struct weir_time t = { .hz = w->control->hz, .clock = w->control->clock };
	double unit = 1.0 * (1 << (t.clock & 15)) / t.hz, silence;

	world_later(w, seconds);
	closed_record(packet);
	silence = weir_silence_ticks(WEIR_CLOSED_SILENCE(&w->last)) * unit;
	CHECK(silence >= seconds * (1 - 1.0 / 128) - 17 * unit && silence <= seconds + 17 * unit + 3,
	      "%s: silent for %u s, not %.2f", packet, seconds, silence);
	CHECK_EQ(w->last.tcp_flags & WEIR_CLOSED_FLAGS, flags, "%s: and how it ended", packet);
}

static void silences(void)
{
	static const unsigned int seconds[] = { 0, 5, 59, 130, 3000, 21000, 60000 };

	for (unsigned int i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		sent("one packet", FROM(A), "udp A:4000 > B:80", WEIR_ALLOWED);
		if (seconds[i] < 4000)		/* such a slot's clock goes round in 70 minutes */
			closed_after("udp A:4000 > B:80", seconds[i], 0);
		else
			closed_record("udp A:4000 > B:80");
		sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
		sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
		sent("ACK", FROM(A), AB " A", WEIR_KNOWN);
		closed_after(AB, seconds[i], 0);
	}
	sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
	sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
	sent("FIN of one side", FROM(A), AB " FA", WEIR_KNOWN);
	closed_after(AB, 7, WEIR_CLOSED_FIN);
	sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
	sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
	sent("FIN of one side", FROM(A), AB " FA", WEIR_KNOWN);
	sent("and of the other", FROM(B), BA " FA", WEIR_KNOWN);
	closed_after(AB, 40, WEIR_CLOSED_FIN | WEIR_CLOSED_ENDED);
	sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
	sent("a reset", FROM(B), BA " RA", WEIR_KNOWN);
	closed_after(AB, 40, WEIR_CLOSED_RST | WEIR_CLOSED_ENDED);
}

/* A pod that begins datagrams without end forgets its own, not another's: of four others at most one or two share with it. */
static void fragments_shared(void)
{
	static const struct { int pod; const char *first, *later; } other[] = {
		{ C, "udp C:1 > B:53 frag=5,0,1 len=1000 udplen=4000", "udp C:1 > B:53 frag=5,1008,0 len=1000" },
		{ C, "udp C6.1 > B6.53 frag=5,0,1 len=1000 udplen=4000", "udp C6.1 > B6.53 frag=5,1008,0 len=1000" },
		{ B, "udp B:1 > A:53 frag=5,0,1 len=1000 udplen=4000", "udp B:1 > A:53 frag=5,1008,0 len=1000" },
		{ B, "udp B6.1 > A6.53 frag=5,0,1 len=1000 udplen=4000", "udp B6.1 > A6.53 frag=5,1008,0 len=1000" },
	};
	char packet[128];
	int stayed = 0;

	for (int i = 0; i < 4; i++)
		sent("another's datagram begins", FROM(other[i].pod), other[i].first, WEIR_ALLOWED);
	sent("and one of the flooder's", FROM(A), "udp A:1 > B:53 frag=5,0,1 len=1000 udplen=4000", WEIR_ALLOWED);
	for (int id = 6; id < 20000; id++) {
		snprintf(packet, sizeof(packet), "udp A:1 > B:53 frag=%d,0,1 len=1000 udplen=4000", id);
		world_send(w, FROM(A), packet);
	}
	for (int i = 0; i < 4; i++)
		stayed += world_send(w, FROM(other[i].pod), other[i].later) == WEIR_FRAGMENT;
	CHECK(stayed > 1, "%d of four others' datagrams go on", stayed);
	sent("the flooder's is forgotten", FROM(A), "udp A:1 > B:53 frag=5,1008,0 len=1000", WEIR_ORPHAN);
}

int main(void)
{
	static const struct life_script scripts[] = {
		{ "quotas", quotas }, { "a full table", full_table }, { "counts", counts },
		{ "the second hook counts nothing", second_hook_counts_nothing }, { "denials", denials },
		{ "observe only", observe_only }, { "hairpin", hairpin }, { "handing over", redirect },
		{ "leaving", leaving }, { "a stranger becomes known", stranger_known },
		{ "a share of the fragments", fragments_shared }, { "timings", timings }, { "silences", silences },
	};

	return life_run(scripts, sizeof(scripts) / sizeof(*scripts));
}
