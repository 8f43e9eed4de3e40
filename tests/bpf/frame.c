// SPDX-License-Identifier: Apache-2.0
/*
 * Frames from text:
 *
 *	tcp 10.0.0.1:4000 > 10.0.0.2:80 S		flags of S A F R P
 *	udp fd00::1.5000 > fd00::2.53			ports behind a dot in IPv6
 *	sctp A:1 > B:2		icmp A > B type=8 id=7		proto=47 A > B
 *	arp A > B op=1		a VLAN tag: vlan		more: ttl=1 len=100 opt=8 ext=0,60 frag=ID,OFFSET,MORE
 *	icmp R > A type=3 quote(udp A:1 > B:2)
 *	cut=N		only N bytes of it		pad=N		N bytes behind it
 *
 * A, B ... and R (remote), O (outside), N (node), S (stranger), T (taken over), G (granted) stand for the world's
 * IPv4 addresses; A6 and so on for IPv6.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"
#include "tests/bpf/world.h"

struct draft {
	struct weir_addr src, dst;
	unsigned int sport, dport, proto, flags, ttl, len, options, type, code, id, vlan, cut, pad, op;
	unsigned int frag_id, frag_offset, frag_more, fragment, arp, tot, doff, target, version, udplen;
	unsigned char ext[8];
	unsigned int exts;
	char quote[128];
	int six, mac;
};

static const struct { char letter; enum who who; } letters[] = {
	{ 'A', WHO_A }, { 'B', WHO_B }, { 'C', WHO_C }, { 'R', WHO_REMOTE }, { 'O', WHO_OUTSIDE }, { 'N', WHO_NODE },
	{ 'S', WHO_STRANGER }, { 'T', WHO_RESTING }, { 'G', WHO_GRANT }, { 'X', WHO_OTHER },
};

/* "A:80", "A6.80", "10.0.0.1:80", "fd00::1.80", with or without the port. */
static int end_parse(const char *text, struct weir_addr *a, unsigned int *port)
{
	char buf[64], *p;
	int six = strchr(text, ':') && strchr(strchr(text, ':') + 1, ':');

	snprintf(buf, sizeof(buf), "%s", text);
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (text[0] != letters[i].letter)
			continue;
		six = text[1] == '6';
		snprintf(buf, sizeof(buf), "%s%s", who_addr(letters[i].who, six), text + 1 + six);
	}
	if (!strncmp(buf, "::ffff:", 7)) {		/* for the test of what may not be */
		memset(a, 0, sizeof(*a));
		a->byte[10] = a->byte[11] = 0xff;
		return inet_pton(AF_INET, buf + 7, a->byte + 12) == 1 ? 2 : -1;
	}
	p = strrchr(buf, six ? '.' : ':');
	if (p && (!six || !strchr(p, ':'))) {
		*port = atoi(p + 1);
		*p = 0;
	}
	return addr_parse(buf, a) ? -1 : six;
}

static unsigned int flags_parse(const char *word)
{
	static const char names[] = "FSRPAU";
	unsigned int flags = 0;

	for (; *word; word++) {
		const char *at = strchr(names, *word);

		if (!at)
			return ~0U;
		flags |= 1u << (at - names);
	}
	return flags;
}

static int option_parse(struct draft *d, const char *word)
{
	static const struct { const char *name; size_t at; } numbers[] = {
#define N(n, field) { n "=", offsetof(struct draft, field) }
		N("ttl", ttl), N("len", len), N("opt", options), N("type", type), N("code", code), N("id", id),
		N("cut", cut), N("pad", pad), N("op", op), N("tot", tot), N("doff", doff), N("version", version),
		N("vlan", vlan), N("udplen", udplen),
	};
	unsigned int e[8] = {};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strncmp(word, numbers[i].name, strlen(numbers[i].name)))
			return *(unsigned int *)((char *)d + numbers[i].at) = strtoul(strchr(word, '=') + 1, NULL, 0), 0;
	if (!strcmp(word, "vlan"))
		return d->vlan = 1, 0;
	if (sscanf(word, "frag=%u,%u,%u", &d->frag_id, &d->frag_offset, &d->frag_more) == 3)
		return d->fragment = 1, 0;
	d->exts = 0;
	if (!strncmp(word, "ext=", 4)) {
		int n = sscanf(word + 4, "%u,%u,%u,%u,%u,%u,%u,%u", e, e + 1, e + 2, e + 3, e + 4, e + 5, e + 6, e + 7);

		for (int i = 0; i < n; i++)
			d->ext[i] = e[i];
		d->exts = n;
		return n > 0 ? 0 : -1;
	}
	d->flags = flags_parse(word);
	return d->flags == ~0U ? -1 : 0;
}

static int draft_parse(struct draft *d, const char *text)
{
	static const struct { const char *name; int proto; } protos[] = {
		{ "tcp", 6 }, { "udp", 17 }, { "sctp", 132 }, { "icmp", 1 }, { "arp", 0 },
	};
	char buf[512], *q, *save, *word, *proto, *src, *arrow, *dst;

	*d = (struct draft){ .ttl = 64, .proto = 256, .op = 1, .doff = 5, .type = 8 };
	snprintf(buf, sizeof(buf), "%s", text);
	q = strstr(buf, "quote(");
	if (q) {
		char *end = strrchr(buf, ')');

		if (!end)
			return -1;
		snprintf(d->quote, sizeof(d->quote), "%.*s", (int)(end - q - 6), q + 6);
		memset(q, ' ', end - q + 1);
	}
	proto = strtok_r(buf, " ", &save);
	src = strtok_r(NULL, " ", &save);
	arrow = strtok_r(NULL, " ", &save);
	dst = strtok_r(NULL, " ", &save);
	if (!dst || strcmp(arrow, ">"))
		return -1;
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (!strcmp(proto, protos[i].name))
			d->proto = protos[i].proto;
	if (sscanf(proto, "proto=%u", &d->proto) != 1 && d->proto == 256)
		return -1;
	d->arp = !strcmp(proto, "arp");
	d->six = end_parse(src, &d->src, &d->sport);
	if (d->six < 0 || end_parse(dst, &d->dst, &d->dport) < 0)
		return -1;
	if (d->six && d->proto == 1) {
		d->proto = 58;
		d->type = 128;
	}
	while ((word = strtok_r(NULL, " ", &save)))
		if (option_parse(d, word))
			return -1;
	return 0;
}

static void put16(__u8 *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static unsigned int packet_write(__u8 *p, unsigned int room, const struct draft *d);

/* The L4 header and what it carries. */
static unsigned int l4_write(__u8 *p, unsigned int room, const struct draft *d)
{
	unsigned int n = 8;

	memset(p, 0, 64);
	switch (d->proto) {
	case 6:
		put16(p, d->sport);
		put16(p + 2, d->dport);
		p[12] = d->doff << 4;
		p[13] = d->flags;
		n = 20;
		break;
	case 17: case 132:
		put16(p, d->sport);
		put16(p + 2, d->dport);
		n = d->proto == 17 ? 8 : 12;
		if (d->proto == 17)
			put16(p + 4, d->udplen ?: 8 + d->len);
		break;
	case 1: case 58:
		p[0] = d->type;
		p[1] = d->code;
		put16(p + 4, d->id);
		if (d->quote[0]) {
			struct draft q;

			if (!draft_parse(&q, d->quote))
				n += packet_write(p + 8, room - 8, &q);
		} else if (d->type >= 133 && d->type <= 137) {
			memcpy(p + 8, d->id ? d->src.byte : d->dst.byte, 16);	/* id=1: the target is the sender's own */
			n = 24;
		}
		break;
	default:
		n = 0;
	}
	memset(p + n, 0x61, d->len);
	return n + d->len;
}

static unsigned int v4_write(__u8 *p, unsigned int room, const struct draft *d)
{
	unsigned int head = 20 + d->options, n;

	memset(p, 0, 20);
	memset(p + 20, 1, d->options);
	n = head + (d->frag_offset ? d->len : l4_write(p + head, room - head, d));
	if (d->frag_offset)
		memset(p + head, 0x62, d->len);
	p[0] = (d->version ?: 4) << 4 | head / 4;
	put16(p + 2, d->tot ?: n);
	put16(p + 4, d->frag_id);
	put16(p + 6, d->frag_offset / 8 | d->frag_more << 13);
	p[8] = d->ttl;
	p[9] = d->proto;
	memcpy(p + 12, d->src.byte + 12, 4);
	memcpy(p + 16, d->dst.byte + 12, 4);
	return n;
}

static unsigned int v6_write(__u8 *p, unsigned int room, const struct draft *d)
{
	unsigned int at = 40, n;
	__u8 *next = p + 6;

	memset(p, 0, 40);
	for (unsigned int i = 0; i < d->exts; i++) {
		*next = d->ext[i];
		next = p + at;
		memset(next, 0, 8);
		at += 8;
	}
	if (d->fragment) {
		*next = 44;
		next = p + at;
		memset(next, 0, 8);
		put16(next + 2, d->frag_offset | d->frag_more);
		put16(next + 6, d->frag_id);
		at += 8;
	}
	*next = d->proto;
	if (d->frag_offset)
		memset(p + at, 0x62, d->len);
	n = at + (d->frag_offset ? d->len : l4_write(p + at, room - at, d));
	p[0] = (d->version ?: 6) << 4;
	put16(p + 4, d->tot ?: n - 40);
	p[7] = d->ttl;
	memcpy(p + 8, d->src.byte, 16);
	memcpy(p + 24, d->dst.byte, 16);
	return n;
}

static unsigned int packet_write(__u8 *p, unsigned int room, const struct draft *d)
{
	return d->six ? v6_write(p, room, d) : v4_write(p, room, d);
}

static unsigned int arp_write(__u8 *p, const struct draft *d)
{
	memset(p, 0, 28);
	put16(p, 1);
	put16(p + 2, 0x0800);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, d->op);
	memcpy(p + 14, d->src.byte + 12, 4);
	memcpy(p + 24, d->dst.byte + 12, 4);
	return 28;
}

unsigned int world_frame(__u8 *out, unsigned int room, const char *text)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1 };
	unsigned int at = 14, n;
	struct draft d;

	if (draft_parse(&d, text) || room < 2048)
		return 0;
	memset(out, 0, room);
	memcpy(out, macs, sizeof(macs));
	if (d.vlan) {
		put16(out + 12, 0x8100);
		put16(out + 14, d.vlan);
		at = 18;
	}
	put16(out + at - 2, d.arp ? 0x0806 : d.six == 1 || d.six == 2 ? 0x86dd : 0x0800);
	n = at + (d.arp ? arp_write(out + at, &d) : packet_write(out + at, room - at, &d)) + d.pad;
	return d.cut && d.cut < n ? d.cut : n;
}
