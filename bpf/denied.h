/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Denied packets are always judged again; this table decides only whether one is recorded, or counted as a repeat of
 * the last record.  Records, repeats told by records, repeats still in the table and denied_sums add up to the drops.
 */
#ifndef WEIR_BPF_DENIED_H
#define WEIR_BPF_DENIED_H

#include "bpf/record.h"
#include "bpf/table.h"

#define DENIED_BUSY 1
#define REPEATS(word) ((__u32)(word))

inline_fn __u32 denied_side(const struct verdict *v) { return v->answer.side == WEIR_EGRESS ? v->opener : !v->opener; }
inline_fn __u32 denied_endpoint(const struct packet *p, const struct verdict *v)
{
	__u32 number = denied_side(v) ? v->ep[1] : v->ep[0];

	return number_is_pod(number) ? number : p->me;
}
inline_fn __u16 denied_rule(const struct verdict *v)
{
	return v->answer.side == WEIR_EGRESS ? rule_of(v, WEIR_EGRESS) : rule_of(v, WEIR_INGRESS);
}

/* (endpoint, rule, reason) += packets */
__noinline int denied_add(__u32 endpoint, __u32 rule, __u32 reason, __u32 packets)
{
	__u64 key = ((__u64)endpoint << 32 | rule << 8 | reason) + 1;
	__u32 at = key * 0x9e3779b97f4a7c15ULL >> 40;
	struct weir_denied_sum *s;

	for (int i = 0; i < 8; i++) {
		__u32 ix = (at + i) & (WEIR_DENIED_SUMS - 1);

		s = bpf_map_lookup_elem(&denied_sums, &ix);
		if (!s || !ix)
			continue;
		if (ONCE(s->key) == key || swap_if(&s->key, 0, key) || ONCE(s->key) == key) {
			__sync_fetch_and_add(&s->packets, packets);
			return 0;
		}
	}
	at = 0;
	s = bpf_map_lookup_elem(&denied_sums, &at);
	if (s)
		__sync_fetch_and_add(&s->packets, packets);
	return 1;
}

/* Ours (key is BUSY): whatever repeats nobody told of go to the sums; the entry is the new denial's. */
inline_fn __u32 denied_take(struct weir_denied *d, __u64 was, __u64 key)
{
	__u64 left = exchange(&d->repeats, key << 32);

	if (was == key)
		return REPEATS(left);
	if (REPEATS(left))
		denied_add(d->endpoint, d->rule, d->reason, REPEATS(left));
	return 0;
}
inline_fn void denied_fill(struct weir_denied *d, const struct packet *p, const struct verdict *v, __u8 reason)
{
	int o = v->opener;

	d->since = p->now;
	d->proto = p->proto;
	d->reason = reason;
	d->src = o ? p->addr[1] : p->addr[0];
	d->dst = o ? p->addr[0] : p->addr[1];
	d->sport = o ? p->port[1] : p->port[0];
	d->dport = o ? p->port[0] : p->port[1];
	d->endpoint = denied_endpoint(p, v);
	d->rule = denied_rule(v);
}
/* 1: counted as a repeat of a record not a second old. */
inline_fn int denied_repeat(struct weir_denied *d, const struct packet *p, __u64 key)
{
	__u64 r = ONCE(d->repeats);

	if (ONCE(d->key) != key || p->now - ONCE(d->since) >= control.hz)
		return 0;
	for (int i = 0; i < 4; i++) {
		__u64 was;

		if (r >> 32 != (__u32)key || REPEATS(r) > 0xfffe0000)
			return 0;
		was = __sync_val_compare_and_swap(&d->repeats, r, r + p->segments);
		if (was == r) {
			sum(WEIR_STAT_REPEATED, p->segments, p->bytes);
			return 1;
		}
		r = was;
	}
	return 0;
}
inline_fn void denied_record(const struct packet *p, const struct verdict *v, __u8 reason, __u32 repeats)
{
	struct weir_record *r = bpf_ringbuf_reserve(&denials, WEIR_RECORD_SHORT, 0);

	if (!r) {
		record_lost(WEIR_STAT_LOST_DENIED, p->segments, p->bytes);
		denied_add(denied_endpoint(p, v), denied_rule(v), reason, repeats + p->segments);
		return;
	}
	record_fill(r, p, v, WEIR_REC_DENIED, reason);
	r->flags |= v->answer.side == WEIR_EGRESS ? WEIR_REC_EGRESS : WEIR_REC_INGRESS;
	r->repeats = repeats > 0xffff ? 0xffff : repeats;
	if (repeats > 0xffff)
		denied_add(denied_endpoint(p, v), denied_rule(v), reason, repeats - 0xffff);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* A packet was dropped, and this is why. */
__noinline int deny(struct __sk_buff *skb, const struct packet *p, const struct verdict *v, __u32 reason)
{
	struct weir_denied *d;
	__u32 at, repeats = 0;
	__u64 key, was;

	if (!p || !v)
		return 0;
	sum(reason & 63, p->segments, p->bytes);
	key = ((p->hash ^ skb->ifindex) * 0x9e3779b97f4a7c15ULL + reason) * 0xd6e8feb86659fd93ULL;
	key = key > DENIED_BUSY ? key : 2;
	at = key >> 40 & (WEIR_DENIED_SLOTS - 1);
	d = bpf_map_lookup_elem(&denied, &at);
	if (!d || denied_repeat(d, p, key))
		return 0;
	was = ONCE(d->key);
	if (was != DENIED_BUSY && swap_if(&d->key, was, DENIED_BUSY)) {
		repeats = denied_take(d, was, key);
		denied_fill(d, p, v, reason);
		publish(&d->key, key);
	}
	denied_record(p, v, reason, repeats);
	return 0;
}

#endif
