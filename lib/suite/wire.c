// SPDX-License-Identifier: Apache-2.0
#include "lib/suite/wire.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/addr.h"

#define ETHER 14U

static void put16(__u8 *at, __u16 v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static void put32(__u8 *at, __u32 v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static __u16 get16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

static __u32 get32(const __u8 *at)
{
	return (__u32)get16(at) << 16 | get16(at + 2);
}

static __u32 sum(const __u8 *at, size_t n, __u32 begin)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		begin += get16(at + i);
	return n & 1 ? begin + (at[n - 1] << 8) : begin;
}

static __u16 fold(__u32 s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s;
}

static __u32 crc32c(const __u8 *at, size_t n)
{
	__u32 crc = ~0U;

	while (n--) {
		crc ^= *at++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* The transport header; returns its length. */
static size_t put_transport(const struct wire *f, __u8 *at)
{
	bool v4 = addr_is_v4(&f->src);

	put16(at, f->sport);
	put16(at + 2, f->dport);
	switch (f->proto) {
	case IPPROTO_TCP:
		put32(at + 4, f->seq);
		put32(at + 8, f->ack);
		at[12] = 5 << 4;
		at[13] = f->flags;
		put16(at + 14, 65535);
		return 20;
	case IPPROTO_UDP:
		put16(at + 4, 8 + f->size);
		return 8;
	case IPPROTO_SCTP:			/* INIT: one chunk of 20 bytes */
		at[12] = 1;
		put16(at + 14, 20);
		put32(at + 16, 0x1234567);
		put32(at + 20, 65536);
		put16(at + 24, 1);
		put16(at + 26, 1);
		put32(at + 28, 1);
		return 32;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = f->icmp_set ? f->icmp_type : v4 ? 8 : 128;
		at[1] = f->icmp_set ? f->icmp_code : 0;
		put16(at + 2, 0);
		put32(at + 4, f->icmp_set ? f->icmp_info : (__u32)f->sport << 16 | 1);
		return 8;
	}
	put32(at, 0);
	return 0;
}

/* A fragment's part has no checksum of its own: whoever sends one as first gives it data that fits. */
static void put_checksum(const struct wire *f, __u8 *at, size_t n)
{
	bool v4 = addr_is_v4(&f->src);
	size_t length = f->proto == IPPROTO_UDP ? get16(at + 4) : n;
	__u32 pseudo = sum(f->src.byte + (v4 ? 12 : 0), v4 ? 4 : 16, 0) + sum(f->dst.byte + (v4 ? 12 : 0), v4 ? 4 : 16, 0) +
		       f->proto + length;

	if (f->proto == IPPROTO_TCP)
		put16(at + 16, fold(sum(at, n, pseudo)));
	else if (f->proto == IPPROTO_UDP)
		put16(at + 6, fold(sum(at, n, pseudo)) ?: 0xffff);
	else if (f->proto == IPPROTO_ICMP)
		put16(at + 2, fold(sum(at, n, 0)));
	else if (f->proto == IPPROTO_ICMPV6)
		put16(at + 2, fold(sum(at, n, pseudo)));
	else if (f->proto == IPPROTO_SCTP) {
		__u32 crc = crc32c(at, n);

		memcpy(at + 8, &crc, 4);
	}
}

static size_t put_ipv4(const struct wire *f, __u8 *at, size_t payload)
{
	at[0] = 0x45;
	put16(at + 2, 20 + payload);
	put16(at + 4, f->fragment_id ?: f->token);
	put16(at + 6, f->fragment / 8 | (f->more ? 0x2000 : 0));
	at[8] = f->ttl ?: 64;
	at[9] = f->proto;
	memcpy(at + 12, f->src.byte + 12, 4);
	memcpy(at + 16, f->dst.byte + 12, 4);
	put16(at + 10, fold(sum(at, 20, 0)));
	return 20;
}

static size_t put_ipv6(const struct wire *f, __u8 *at, size_t payload)
{
	size_t extra = f->fragment_id ? 8 : 0;

	put32(at, 0x60000000 | f->token);
	put16(at + 4, payload + extra);
	at[6] = extra ? IPPROTO_FRAGMENT : f->proto;
	at[7] = f->ttl ?: 64;
	memcpy(at + 8, f->src.byte, 16);
	memcpy(at + 24, f->dst.byte, 16);
	if (extra) {
		at[40] = f->proto;
		put16(at + 42, f->fragment | f->more);
		put32(at + 44, f->fragment_id);
	}
	return 40 + extra;
}

size_t wire_build(const struct wire *f, __u8 *out, size_t max)
{
	bool v4 = addr_is_v4(&f->src);
	size_t ip = v4 ? 20 : f->fragment_id ? 48 : 40, head;
	__u8 *at = out + ETHER + ip;

	if (max < ETHER + ip + 40 + f->size)
		return 0;
	memset(out, 0, ETHER + ip + 40 + f->size);
	memcpy(out, f->to_mac, 6);
	memcpy(out + 6, f->from_mac, 6);
	put16(out + 12, v4 ? 0x0800 : 0x86dd);
	head = f->fragment ? 0 : put_transport(f, at);
	if (f->data)
		memcpy(at + head, f->data, f->size);
	if (!f->fragment)
		put_checksum(f, at, head + f->size);
	if (v4)
		put_ipv4(f, out + ETHER, head + f->size);
	else
		put_ipv6(f, out + ETHER, head + f->size);
	return ETHER + ip + head + f->size;
}

static bool read_transport(const __u8 *at, size_t n, struct wire_seen *out)
{
	size_t head = out->proto == IPPROTO_TCP ? 20 : out->proto == IPPROTO_SCTP ? 12 : 8;

	out->data = at;
	out->size = n;
	if (out->later || n < head)
		return true;
	if (out->proto == IPPROTO_ICMP || out->proto == IPPROTO_ICMPV6) {
		out->icmp_type = at[0];
		out->sport = get16(at + 4);
	} else {
		out->sport = get16(at);
		out->dport = get16(at + 2);
	}
	if (out->proto == IPPROTO_TCP) {
		out->seq = get32(at + 4);
		out->ack = get32(at + 8);
		out->flags = at[13];
		head = at[12] / 16 * 4;
	}
	out->data = at + (head < n ? head : n);
	out->size = head < n ? n - head : 0;
	return true;
}

bool wire_read(const __u8 *frame, size_t size, struct wire_seen *out)
{
	const __u8 *ip = frame + ETHER;
	size_t head;

	memset(out, 0, sizeof(*out));
	if (size >= ETHER + 20 && get16(frame + 12) == 0x0800) {
		out->src.byte[10] = out->src.byte[11] = out->dst.byte[10] = out->dst.byte[11] = 0xff;
		memcpy(out->src.byte + 12, ip + 12, 4);
		memcpy(out->dst.byte + 12, ip + 16, 4);
		out->token = get16(ip + 4);
		out->proto = ip[9];
		out->later = get16(ip + 6) & 0x1fff;
		head = (ip[0] & 15) * 4;
		size = ETHER + get16(ip + 2) < size ? ETHER + get16(ip + 2) : size;
	} else if (size >= ETHER + 40 && get16(frame + 12) == 0x86dd) {
		memcpy(out->src.byte, ip + 8, 16);
		memcpy(out->dst.byte, ip + 24, 16);
		out->token = get16(ip + 2);
		out->proto = ip[6];
		head = 40;
		if (out->proto == IPPROTO_FRAGMENT && size >= ETHER + 48) {
			out->proto = ip[40];
			out->later = get16(ip + 42) & 0xfff8;
			head = 48;
		}
	} else {
		return false;
	}
	return size >= ETHER + head && read_transport(ip + head, size - ETHER - head, out);
}
