/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Later fragments have no ports: they find those of the first, which passed, by the datagram's id, and then are packets
 * of that flow like any other.  The key is written last and looked at again after the read.
 */
#ifndef WEIR_BPF_FRAGMENTS_H
#define WEIR_BPF_FRAGMENTS_H

#include "bpf/table.h"

#define FRAGMENT_WAYS 4
#define FRAGMENT_BUSY 1
#define FRAGMENT_LIFE 30	/* seconds, as long as the kernel waits for the rest */
#define FRAGMENT_SHARES 32	/* of the table: a sender has one of them, by its address */

/* IPv4 ids are per protocol; in IPv6 the protocol may stand in the first fragment alone. */
inline_fn __u64 fragment_key(const struct packet *p)
{
	__u64 h = hash_ends(&p->addr[0], &p->addr[1], p->id, (p->six ? 0 : p->proto) | p->side << 8 | p->six << 9);

	return h > FRAGMENT_BUSY ? h : 2;
}
/* Where a datagram's four places begin.  Who begins datagrams without end fills a share, and others' stay. */
inline_fn __u32 fragment_place(const struct packet *p, __u64 key)
{
	const struct weir_addr *src = packet_src(p);
	__u32 share = hash_ends(src, src, 0, 0) >> 40 & (FRAGMENT_SHARES - 1);

	return share * (WEIR_FRAGMENTS / FRAGMENT_SHARES) +
	       ((__u32)(key >> 40) * FRAGMENT_WAYS & (WEIR_FRAGMENTS / FRAGMENT_SHARES - 1));
}
inline_fn struct weir_fragment *fragment_at(__u32 place, __u32 way)
{
	__u32 ix = place + way & (WEIR_FRAGMENTS - 1);

	return bpf_map_lookup_elem(&fragments, &ix);
}
inline_fn int fragment_live(const struct weir_fragment *e, __u32 now)
{
	return (__s32)(ONCE(e->until) - now) > 0;
}
inline_fn int fragment_is(const struct weir_fragment *e, const struct packet *p, __u64 key)
{
	return ONCE(e->key) == key && fragment_live(e, p->now) && e->id == p->id && addr_same(&e->src, packet_src(p)) &&
	       addr_same(&e->dst, packet_dst(p));
}

/* A later fragment: its ports, or ORPHAN. */
__noinline int fragment_find(struct packet *p)
{
	__u64 key;
	__u32 at;

	if (!p)
		return WEIR_ORPHAN;
	key = fragment_key(p);
	at = fragment_place(p, key);
	for (__u32 i = 0; i < FRAGMENT_WAYS; i++) {
		struct weir_fragment *e = fragment_at(at, i);
		__u16 sport, dport;
		__u8 proto;

		if (!e || !fragment_is(e, p, key))
			continue;
		sport = ONCE(e->sport);
		dport = ONCE(e->dport);
		proto = ONCE(e->proto);
		e = (void *)e + after(sport + dport + proto);
		if (ONCE(e->key) != key)
			continue;
		p->proto = proto;
		packet_ends(p, *packet_src(p), *packet_dst(p), sport, dport);
		return WEIR_UNDECIDED;
	}
	return WEIR_ORPHAN;
}

/* A first fragment passed.  The oldest of four makes room. */
__noinline int fragment_remember(const struct packet *p)
{
	struct weir_fragment *e, *best = NULL;
	__u64 key, was = 0;
	__u32 age, oldest = 0, at;

	if (!p)
		return 0;
	key = fragment_key(p);
	at = fragment_place(p, key);
	for (__u32 i = 0; i < FRAGMENT_WAYS; i++) {
		e = fragment_at(at, i);
		if (!e)
			return 0;
		if (fragment_is(e, p, key) && e->sport == (p->side ? p->port[1] : p->port[0]))
			return 0;
		if (ONCE(e->key) == FRAGMENT_BUSY)
			continue;
		age = ONCE(e->key) ? p->now + FRAGMENT_LIFE * control.hz - ONCE(e->until) : ~0U;
		if (!best || age > oldest) {
			best = e;
			was = ONCE(e->key);
			oldest = age;
		}
	}
	if (!best || !swap_if(&best->key, was, FRAGMENT_BUSY))
		return 0;
	best->src = *packet_src(p);
	best->dst = *packet_dst(p);
	best->id = p->id;
	best->until = p->now + FRAGMENT_LIFE * control.hz;
	best->sport = p->side ? p->port[1] : p->port[0];
	best->dport = p->side ? p->port[0] : p->port[1];
	best->proto = p->proto;
	publish(&best->key, key);
	return 1;
}

#endif
