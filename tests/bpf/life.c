// SPDX-License-Identifier: Apache-2.0
/* A flow's life: judged again, cut, alive again, ended, expired. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bpf/life.h"

/* ------------------------------------------------------------------ generations */

static void judged_again(void)
{
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	handshake();
	world_drain(w);
	world_commit(w);
	sent("a new generation that says the same", FROM(A), AB " A", WEIR_KNOWN);
	world_drain(w);
	CHECK_EQ(stat_of(WEIR_STAT_REJUDGED), 1, "judged again once");
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 0, "and nothing to tell");
	sent("its answer is not judged again", FROM(B), BA " A", WEIR_KNOWN);
	CHECK_EQ(stat_of(WEIR_STAT_REJUDGED), 1, "still once");
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 81, 101));
	sent("another rule lets it in now; the answer is first to come", FROM(B), BA " A", WEIR_KNOWN);
	sent("and the opener's packet", FROM(A), AB " A", WEIR_KNOWN);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 1, "told once");
	CHECK_EQ(w->last.rule[WEIR_INGRESS], 101, "by its new rule");
	CHECK_EQ(w->last.rule[WEIR_EGRESS], WEIR_RULE_OPEN, "the other side is open");
	CHECK_EQ(w->last.endpoint[WEIR_EGRESS], A, "from A");
	CHECK(w->last.flags & WEIR_REC_REPLY, "the packet that showed it was an answer");
}

static void cut(void)
{
	struct flow_seen f;

	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	handshake();
	world_drain(w);
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 81, 81, 101));
	sent("the policy that let it in is gone; the answer comes first", FROM(B), BA " A", WEIR_CUT);
	PHASE(AB, WEIR_CUT_FLOW, "it keeps its slot");
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 1, "told once");
	sent("the opener", FROM(A), AB " A", WEIR_CUT);
	sent("the opener tries anew", FROM(A), AB " S", WEIR_CUT);
	sent("the other end may not open it the other way round", FROM(B), "tcp B:80 > A:4000 S", WEIR_CUT);
	world_flow(w, AB, &f);
	CHECK_EQ(f.packets, 3 + 4, "what was dropped is counted in the slot");
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 0, "told no more");
	CHECK_EQ(stat_of(WEIR_STAT_CUT_FLOWS), 1, "one flow was cut");
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 82, 82, 102));
	sent("a newer generation that does not let it in either", FROM(A), AB " A", WEIR_CUT);
	CHECK_EQ(stat_of(WEIR_STAT_CUT_FLOWS), 1, "still one");
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	sent("a newer generation that does", FROM(A), AB " A", WEIR_KNOWN);
	sent("it lives again", FROM(B), BA " A", WEIR_KNOWN);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 1, "and that is told");
}

static void cut_ends(void)
{
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	handshake();
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 81, 81, 101));
	sent("cut", FROM(A), AB " A", WEIR_CUT);
	sent("one end resets", FROM(A), AB " R", WEIR_CUT);
	PHASE(AB, WEIR_CUT_FLOW, "that is not its end: the other would begin it anew");
	sent("the other end does not know", FROM(B), BA " A", WEIR_CUT);
	world_later(w, 5 * 3600);
	sent("hours later", FROM(B), BA " A", WEIR_CUT);
	world_later(w, 5 * 3600);
	sent("its silence counts from the last packet of either end", FROM(B), BA " A", WEIR_CUT);
	sent("the other end gives up, too", FROM(B), BA " F", WEIR_CUT);
	PHASE(AB, WEIR_ENDED, "now it has ended");
	sent("and B may open what B may open", FROM(B), "tcp B:80 > A:4000 S", WEIR_ALLOWED);
}

static void who_cut_it(void)
{
	rule_only(ALLOWS(A, WEIR_EGRESS, WHO_B, 6, 80, 80, 100));
	handshake();
	rule_only(ALLOWS(A, WEIR_EGRESS, WHO_B, 6, 81, 81, 101));
	world_drain(w);
	for (int i = 0; i < 2; i++) {
		world_later(w, 2);
		sent("the answer of what its opener may no longer do", FROM(B), BA " A", WEIR_CUT);
		world_drain(w);
		CHECK(w->last.flags & WEIR_REC_EGRESS, "the opener's side said no (%d)", i);
		CHECK(w->last.flags & WEIR_REC_REPLY, "to an answer (%d)", i);
		CHECK_EQ(w->last.rule[WEIR_EGRESS], WEIR_RULE_ISOLATED, "for want of a rule (%d)", i);
		CHECK_EQ(w->last.rule[WEIR_INGRESS], WEIR_RULE_OPEN, "the receiver is open (%d)", i);
		CHECK_EQ(w->last.endpoint[WEIR_EGRESS], A, "A opened it (%d)", i);
	}
}

static void on_record(void)
{
	sent("spoofed", FROM(C), "tcp A:1 > B:80 S", WEIR_SPOOFED);
	world_drain(w);
	CHECK_EQ(ntohs(w->last.dport), 80, "as it travelled");
	CHECK_EQ(w->last.endpoint[WEIR_EGRESS], C, "by the pod that sent it");
	CHECK(w->last.flags & WEIR_REC_EGRESS, "its own side said no");
	sent("nonsense, the larger address first", FROM(B), "tcp B:9 > A:80 S doff=3", WEIR_BAD_L4);
	world_drain(w);
	CHECK_EQ(w->last.src.byte[15], 2, "as it travelled");
	CHECK_EQ(w->last.endpoint[WEIR_EGRESS], B, "by the pod that sent it");
	sent("from outside", TO(B, IF_UPLINK), "udp O:1 > B:2", WEIR_ALLOWED);
	world_drain(w);
	CHECK_EQ(w->last.kind, WEIR_REC_OPENED, "opened");
	CHECK_EQ(w->last.rule[WEIR_EGRESS], WEIR_RULE_REMOTE, "the other side is judged where it lives");
	CHECK_EQ(w->last.rule[WEIR_INGRESS], WEIR_RULE_OPEN, "this one here");
	CHECK(w->last.flags & WEIR_REC_HERE, "counted here");
	sent("in the middle of a connection", FROM(A), "tcp A:5 > B:6 A", WEIR_ALLOWED);
	world_drain(w);
	CHECK(w->last.flags & WEIR_REC_PARTIAL, "its beginning is lost");
}

static void cut_in_stack_mode(void)
{
	stack_mode();
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	passes("SYN at its sender", FROM(A), AB " S");
	passes("SYN at its receiver", TO(B, IF_A), AB " S");
	passes("the answer at its sender", FROM(B), BA " SA");
	passes("the answer at its receiver", TO(A, IF_B), BA " SA");
	passes("ACK at its sender", FROM(A), AB " A");
	passes("ACK at its receiver", TO(B, IF_A), AB " A");
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 81, 81, 101));
	drops("both sides are judged again where it is seen first", FROM(A), AB " A");
	drops("the other end", FROM(B), BA " A");
	world_drain(w);
	world_commit(w);
	drops("no newer generation lets one hook pass what the other would drop", FROM(A), AB " A");
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 0, "nothing changed, nothing is told");
}

static void denied_at_second_hook(void)
{
	struct flow_seen f;

	stack_mode();
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 81, 81, 101));
	passes("its sender's hook does not know", FROM(A), AB " S");
	drops("its receiver's hook", TO(B, IF_A), AB " S");
	CHECK_EQ(world_sum(w, WEIR_NO_RULE).packets, 1, "for want of a rule, not cut");
	CHECK(!world_flow(w, AB, &f), "it leaves no slot");
	passes("so B may open what B may open", FROM(B), "tcp B:80 > A:4000 S");
	CHECK_EQ(w->usage[A].slots, 0, "A pays for nothing");
}

static void node_opened(void)
{
	world_isolate(w, B, WEIR_INGRESS);
	world_isolate(w, B, WEIR_EGRESS);
	world_commit(w);
	sent("kubelet opens", TO(B, IF_NONE), "tcp N:9 > B:80 S", WEIR_ALLOWED);
	passes("the pod answers", FROM(B), "tcp B:80 > N:9 SA");
	passes("kubelet goes on", TO(B, IF_NONE), "tcp N:9 > B:80 A");
	world_commit(w);
	passes("a new generation: the pod speaks first", FROM(B), "tcp B:80 > N:9 A");
	world_commit(w);
	passes("another: the node speaks first", TO(B, IF_NONE), "tcp N:9 > B:80 A");
	drops("its addresses by the uplink", TO(B, IF_UPLINK), "tcp N:9 > B:80 A");
	drops("what the pod opens to the node is another matter", FROM(B), "tcp B:81 > N:9 S");
}

static void audited(void)
{
	world_rule(w, WOULD_DENY(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 200));
	world_commit(w);
	sent("would be denied", FROM(A), AB " S", WEIR_ALLOWED);
	world_drain(w);
	CHECK_EQ(w->last.kind, WEIR_REC_OPENED, "it is opened");
	CHECK(w->last.flags & WEIR_REC_AUDIT, "with another would-be verdict");
	CHECK_EQ(w->last.audit & 3, WEIR_DENY, "which is a denial");
	CHECK_EQ(w->last.audit_rule[WEIR_INGRESS], 200, "by the audited rule");
	CHECK_EQ(stat_of(WEIR_STAT_WOULD_DENY), 1, "counted");
	sent("another port", FROM(A), "tcp A:1 > B:81 S", WEIR_ALLOWED);
	world_drain(w);
	CHECK(!(w->last.flags & WEIR_REC_AUDIT), "no would-be verdict there");
	world_open_policy(w);
	world_rule(w, WOULD_DENY(B, WEIR_INGRESS, WHO_A, 6, 0, 65535, 201));
	world_commit(w);
	sent("an open connection that enforcing would cut", FROM(A), "tcp A:1 > B:81 A", WEIR_KNOWN);
	sent("and again", FROM(A), "tcp A:1 > B:81 A", WEIR_KNOWN);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_AGAIN], 1, "is told once per generation");
	CHECK_EQ(w->last.audit_rule[WEIR_INGRESS], 201, "with the rule that would");
}

/* ------------------------------------------------------------------ lifetimes */

static void reverse_stays_shut(void)
{
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 17, 53, 53, 100));
	world_isolate(w, A, WEIR_INGRESS);
	world_commit(w);
	sent("a question", FROM(A), "udp A:5 > B:53", WEIR_ALLOWED);
	sent("its answer", FROM(B), "udp B:53 > A:5", WEIR_KNOWN);
	sent("another", FROM(A), "udp A:5 > B:53", WEIR_KNOWN);
	world_later(w, 170);
	sent("within three minutes", FROM(B), "udp B:53 > A:5", WEIR_KNOWN);
	world_later(w, 190);
	sent("an idle flow does not open the reverse direction", FROM(B), "udp B:53 > A:5", WEIR_NO_RULE);
	CHECK_EQ(stat_of(WEIR_STAT_EXPIRED), 1, "the idle flow is gone");
}

static void lifetimes(void)
{
	static const struct { const char *says, *packet, *answer; unsigned int alive, gone; int packets; } rows[] = {
		{ "half-open UDP", "udp A:1 > B:1", NULL, 28, 32, 1 },
		{ "half-open TCP", "tcp A:1 > B:1 S", NULL, 58, 63, 1 },
		{ "half-open SCTP", "sctp A:1 > B:1", NULL, 58, 63, 1 },
		{ "an echo", "icmp A > B id=1", NULL, 28, 32, 1 },
		{ "another protocol", "proto=47 A > B len=8", NULL, 58, 63, 1 },
		{ "answered UDP", "udp A:2 > B:2", "udp B:2 > A:2", 58, 63, 1 },
		{ "confirmed UDP", "udp A:3 > B:3", "udp B:3 > A:3", 178, 185, 2 },
		{ "confirmed SCTP", "sctp A:3 > B:3", "sctp B:3 > A:3", 21500, 21700, 2 },
		{ "a confirmed echo", "icmp A > B id=3", "icmp B > A id=3 type=0", 28, 33, 2 },
		{ "confirmed other protocol", "proto=48 A > B len=8", "proto=48 B > A len=8", 178, 185, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned long expired;

		sent(rows[i].says, FROM(A), rows[i].packet, WEIR_ALLOWED);
		if (rows[i].answer)
			sent(rows[i].says, FROM(B), rows[i].answer, WEIR_KNOWN);
		for (int n = 1; n < rows[i].packets; n++)
			sent(rows[i].says, FROM(A), rows[i].packet, WEIR_KNOWN);
		world_later(w, rows[i].alive);
		sent("is alive just before its life ends", FROM(A), rows[i].packet, WEIR_KNOWN);
		if (rows[i].answer && rows[i].packets == 1)
			continue;		/* that packet confirmed it */
		expired = stat_of(WEIR_STAT_EXPIRED);
		world_later(w, rows[i].gone);
		sent("is new after it", FROM(A), rows[i].packet, WEIR_ALLOWED);
		CHECK_EQ(stat_of(WEIR_STAT_EXPIRED), expired + 1, "%s expired", rows[i].says);
	}
}

static void tcp_ends(void)
{
	handshake();
	sent("one end is done", FROM(A), AB " FA", WEIR_KNOWN);
	PHASE(AB, WEIR_CONFIRMED, "the other may go on");
	sent("the other is done", FROM(B), BA " FA", WEIR_KNOWN);
	PHASE(AB, WEIR_ENDED, "ended");
	sent("the last acknowledgement", FROM(A), AB " A", WEIR_KNOWN);
	PHASE(AB, WEIR_ENDED, "still");
	world_drain(w);
	sent("a SYN on an ended flow is a new flow", FROM(A), AB " S", WEIR_ALLOWED);
	world_drain(w);
	CHECK_EQ(w->kinds[WEIR_REC_CLOSED], 1, "the old one is closed");
	CHECK_EQ(w->kinds[WEIR_REC_OPENED], 1, "the new one is opened");
	sent("answered", FROM(B), BA " SA", WEIR_KNOWN);
	sent("confirmed", FROM(A), AB " A", WEIR_KNOWN);
	sent("a reset, perhaps not its own", FROM(B), BA " R", WEIR_KNOWN);
	PHASE(AB, WEIR_ENDED, "ended");
	sent("data after it", FROM(A), AB " A", WEIR_KNOWN);
	CHECK(phase_of(AB) != WEIR_ENDED, "it was not the flow's own");
}

static unsigned int now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void picked_up(void)
{
	if (now_seconds() < 100) {
		check_skip("picked up: this machine is younger than an interface that was armed long ago");
		return;
	}
	rule_only(ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	world_isolate(w, B, WEIR_EGRESS);
	world_commit(w);
	w->endpoints[B].armed = now_seconds() - 60;
	sent("no slot, and the pod was armed long ago", FROM(B), BA " A", WEIR_NO_RULE);
	w->endpoints[B].armed = now_seconds();
	world_drain(w);
	sent("newly armed: a reply to what policy allows", FROM(B), BA " A", WEIR_PICKED_UP);
	world_drain(w);
	CHECK(w->last.flags & WEIR_REC_PICKED_UP, "and it says so");
	CHECK_EQ(w->last.endpoint[WEIR_EGRESS], A, "A opened it");
	sent("it goes on", FROM(A), AB " A", WEIR_KNOWN);
	sent("who was taken to reply begins after all", FROM(B), BA " S", WEIR_NO_RULE);
	sent("and once more", FROM(B), BA " S", WEIR_NO_RULE);
	sent("who was taken to have begun does", FROM(A), AB " S", WEIR_ALLOWED);
	sent("both at once: what was really begun stays", FROM(B), BA " S", WEIR_KNOWN);
	sent("newly armed, but policy would not allow it", FROM(B), "tcp B:79 > A:4000 A", WEIR_NO_RULE);
	sent("a SYN is no reply", FROM(B), "tcp B:80 > A:4001 S", WEIR_NO_RULE);
	sent("nor is UDP", FROM(B), "udp B:80 > A:4001", WEIR_NO_RULE);
	w->endpoints[A].quota_half = 12;
	sent("what replies open in its name", FROM(B), "tcp B:80 > A:4011 A", WEIR_PICKED_UP);
	sent("fills a part of its quota", FROM(B), "tcp B:80 > A:4012 A", WEIR_PICKED_UP);
	sent("and no more", FROM(B), "tcp B:80 > A:4013 A", WEIR_QUOTA_HALF);
	sent("the rest is its own", FROM(A), "tcp A:4014 > B:80 S", WEIR_ALLOWED);
	w->endpoints[A].quota_half = 0;
}

int main(void)
{
	static const struct life_script scripts[] = {
		{ "judged again", judged_again }, { "cut", cut }, { "a cut flow's end", cut_ends },
		{ "who cut it", who_cut_it }, { "on record", on_record },
		{ "cut in stack mode", cut_in_stack_mode }, { "denied at the second hook", denied_at_second_hook },
		{ "opened by the node", node_opened }, { "audited", audited },
		{ "the reverse stays shut", reverse_stays_shut }, { "lifetimes", lifetimes }, { "TCP's end", tcp_ends },
		{ "picked up", picked_up },
	};

	return life_run(scripts, sizeof(scripts) / sizeof(*scripts));
}
