// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include <weir/flow.h>

#include "lib/flow/drops.h"
#include "lib/flow/words.h"

struct word {
	int number;
	const char *name, *text;
};
#define W(number, name) { number, name, NULL }

static const struct word verdicts[] = {
	W(0, "VERDICT_UNKNOWN"), W(1, "FORWARDED"), W(2, "DROPPED"), W(3, "ERROR"), W(4, "AUDIT"),
	W(5, "REDIRECTED"), W(6, "TRACED"), W(7, "TRANSLATED"),
};
static const struct word directions[] = {
	W(0, "TRAFFIC_DIRECTION_UNKNOWN"), W(1, "INGRESS"), W(2, "EGRESS"),
};
static const struct word events[] = {
	W(1, "drop"), W(2, "debug"), W(3, "capture"), W(4, "trace"), W(5, "policy-verdict"), W(7, "trace-sock"),
	W(129, "l7"), W(130, "agent"),
};
static const struct word points[] = {
	{ 0, "UNKNOWN_POINT", "unknown" },
	{ 1, "TO_PROXY", "to-proxy" }, { 2, "TO_HOST", "to-host" }, { 3, "TO_STACK", "to-stack" },
	{ 4, "TO_OVERLAY", "to-overlay" }, { 5, "FROM_ENDPOINT", "from-endpoint" }, { 6, "FROM_PROXY", "from-proxy" },
	{ 7, "FROM_HOST", "from-host" }, { 8, "FROM_STACK", "from-stack" }, { 9, "FROM_OVERLAY", "from-overlay" },
	{ 10, "FROM_NETWORK", "from-network" }, { 11, "TO_NETWORK", "to-network" },
	{ 12, "FROM_CRYPTO", "from-crypto" }, { 13, "TO_CRYPTO", "to-crypto" }, { 101, "TO_ENDPOINT", "to-endpoint" },
};
static const struct word trace_reasons[] = {
	W(0, "TRACE_REASON_UNKNOWN"), W(1, "NEW"), W(2, "ESTABLISHED"), W(3, "REPLY"), W(4, "RELATED"),
	W(5, "REOPENED"), W(6, "SRV6_ENCAP"), W(7, "SRV6_DECAP"), W(8, "ENCRYPT_OVERLAY"),
};
static const struct word drops[] = {
#define X(number, name, text) { number, #name, text },
	FLOW_DROPS(X)
#undef X
};
static const struct word matches[] = {
	W(0, "none"), W(1, "L3-Only"), W(2, "L3-L4"), W(3, "L4-Only"), W(4, "all"), W(5, "L3-Proto"),
	W(6, "Proto-Only"),
};
static const struct word identities[] = {
	W(0, "unknown"), W(1, "host"), W(2, "world"), W(3, "unmanaged"), W(4, "health"), W(5, "init"),
	W(6, "remote-node"), W(7, "kube-apiserver"), W(8, "ingress"), W(9, "world-ipv4"), W(10, "world-ipv6"),
	W(11, "overlay-to-encrypt"),
};

/* By number: each list begins with numbers that are their places, so most are found at once. */
static const struct word *by_number(const struct word *list, unsigned int n, unsigned int number)
{
	if (number < n && (unsigned int)list[number].number == number)
		return &list[number];
	for (unsigned int i = 0; i < n; i++)
		if ((unsigned int)list[i].number == number)
			return &list[i];
	return NULL;
}

static int by_name(const struct word *list, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(list[i].name, name) || (list[i].text && !strcmp(list[i].text, name)))
			return list[i].number;
	return -1;
}

#define N(list) (sizeof(list) / sizeof(*(list)))
#define NAME(list, number) ({ const struct word *w = by_number(list, N(list), number); w ? w->name : NULL; })

const char *flow_verdict_name(unsigned int verdict) { return NAME(verdicts, verdict); }
int flow_verdict_number(const char *name) { return by_name(verdicts, N(verdicts), name); }
const char *flow_direction_name(unsigned int direction) { return NAME(directions, direction); }
int flow_direction_number(const char *name) { return by_name(directions, N(directions), name); }
const char *flow_event_text(unsigned int event) { return NAME(events, event); }
int flow_event_number(const char *text) { return by_name(events, N(events), text); }
const char *flow_trace_name(unsigned int point) { return NAME(points, point); }
int flow_trace_number(const char *text) { return by_name(points, N(points), text); }
const char *flow_trace_reason_name(unsigned int reason) { return NAME(trace_reasons, reason); }
const char *flow_match_text(unsigned int match) { return NAME(matches, match); }
const char *flow_identity_text(uint32_t identity) { return NAME(identities, identity); }

const char *flow_trace_text(unsigned int point)
{
	const struct word *w = by_number(points, N(points), point);

	return w ? w->text : NULL;
}

int flow_identity_number(const char *text)
{
	static const char prefix[] = "reserved:";

	if (!strncmp(text, prefix, sizeof(prefix) - 1))
		text += sizeof(prefix) - 1;
	return by_name(identities, N(identities), text);
}

/* From 130 to 158 a reason's place is its number less 129, from 160 on less 130. */
static const struct word *drop_word(unsigned int reason)
{
	unsigned int at = reason < 130 ? reason : reason < 159 ? reason - 129 : reason - 130;

	return at < N(drops) && (unsigned int)drops[at].number == reason ? &drops[at] : NULL;
}

const char *flow_drop_name(unsigned int reason)
{
	const struct word *w = drop_word(reason);

	return w ? w->name : NULL;
}

const char *flow_drop_text(unsigned int reason)
{
	const struct word *w = drop_word(reason);

	return w ? w->text : NULL;
}

int flow_drop_number(const char *name)
{
	for (unsigned int i = 0; i < N(drops); i++)
		if (!strcmp(drops[i].name, name))
			return drops[i].number;
	return -1;
}

/* What our reasons for a drop are nearest to. */
uint16_t flow_drop_of(unsigned int reason)
{
	static const uint16_t drop[] = {
		[WEIR_NO_RULE] = 133, [WEIR_CLOSED] = 133, [WEIR_CUT] = 133, [WEIR_DENIED] = 181,
		[WEIR_STRANGER] = 171, [WEIR_NO_CLASS] = 165, [WEIR_NO_ROW] = 165, [WEIR_RESTING] = 151,
		[WEIR_UNARMED] = 203,
		[WEIR_SPOOFED] = 132, [WEIR_SPOOFED_ARP] = 132, [WEIR_SPOOFED_ND] = 176, [WEIR_ROUTER] = 176,
		[WEIR_WRONG_WAY] = 132, [WEIR_MAPPED] = 132,
		[WEIR_NO_ROOM] = 155, [WEIR_QUOTA] = 155, [WEIR_QUOTA_HALF] = 155,
		[WEIR_ORPHAN] = 175, [WEIR_UNRELATED] = 163, [WEIR_BAD_FRAGMENT] = 157,
		[WEIR_ETHERTYPE] = 139, [WEIR_SHORT_LINK] = 134, [WEIR_SHORT_IP] = 134, [WEIR_BAD_VERSION] = 134,
		[WEIR_BAD_LENGTH] = 134, [WEIR_BAD_ARP] = 134, [WEIR_BAD_EXTENSION] = 156,
		[WEIR_SHORT_L4] = 135, [WEIR_BAD_L4] = 135, [WEIR_BAD_QUOTE] = 135,
	};

	return reason < N(drop) ? drop[reason] : 0;
}

const char *flow_protocol_text(uint8_t proto, char buf[8])
{
	switch (proto) {
	case 1: return "ICMPv4";
	case 2: return "IGMP";
	case 6: return "TCP";
	case 17: return "UDP";
	case 58: return "ICMPv6";
	case 112: return "VRRP";
	case 132: return "SCTP";
	}
	snprintf(buf, 8, "%u", proto);
	return buf;
}

const char *flow_flags_text(unsigned int flags, char buf[FLOW_FLAGS_SIZE])
{
	static const struct { unsigned char bit; char text[4]; } order[] = {
		{ 0x02, "SYN" }, { 0x10, "ACK" }, { 0x04, "RST" }, { 0x01, "FIN" }, { 0x08, "PSH" }, { 0x20, "URG" },
		{ 0x40, "ECE" }, { 0x80, "CWR" },
	};
	char *p = buf;

	for (unsigned int i = 0; i < N(order); i++) {
		if (!(flags & order[i].bit))
			continue;
		if (p != buf)
			p = memcpy(p, ", ", 2) + 2;
		p = memcpy(p, order[i].text, 3) + 3;
	}
	*p = '\0';
	return buf;
}
