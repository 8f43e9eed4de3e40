/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space is told.  A record that finds no room is counted by kind, with the packets it stood for. */
#ifndef WEIR_BPF_RECORD_H
#define WEIR_BPF_RECORD_H

#include "bpf/judge.h"

/* The 80 bytes of OPENED, AGAIN and DENIED, in the orientation of the flow's opener. */
inline_fn void record_fill(struct weir_record *r, const struct packet *p, const struct verdict *v, __u8 kind, __u8 reason)
{
	int o = v->opener;
	const struct weir_said *in = &v->answer.said[WEIR_INGRESS], *out = &v->answer.said[WEIR_EGRESS];

	r->time = bpf_ktime_get_ns();
	r->src = o ? p->addr[1] : p->addr[0];
	r->dst = o ? p->addr[0] : p->addr[1];
	r->sport = o ? p->port[1] : p->port[0];
	r->dport = o ? p->port[0] : p->port[1];
	r->proto = p->proto;
	r->kind = kind;
	r->reason = reason;
	r->flags = (p->side != o ? WEIR_REC_REPLY : 0) | (p->elsewhere ? 0 : WEIR_REC_HERE) |
		   (v->picked_up ? WEIR_REC_PICKED_UP : 0) |
		   (in->verdict != in->audit || out->verdict != out->audit ? WEIR_REC_AUDIT : 0);
	r->rule[WEIR_EGRESS] = rule_of(v, WEIR_EGRESS);
	r->rule[WEIR_INGRESS] = rule_of(v, WEIR_INGRESS);
	r->endpoint[WEIR_EGRESS] = o ? v->ep[1] : v->ep[0];
	r->endpoint[WEIR_INGRESS] = o ? v->ep[0] : v->ep[1];
	r->slot = v->slot;
	r->incarnation = v->incarnation;
	r->tcp_flags = p->tcp;
	r->audit = in->audit | out->audit << 2;
	r->audit_rule[WEIR_EGRESS] = out->audit_rule;
	r->audit_rule[WEIR_INGRESS] = in->audit_rule;
	r->bytes = p->bytes;
	r->generation = p->generation;
	r->packets = p->segments;
	r->repeats = 0;
}

/* A record found no room: it is counted itself, and by its kind what it stood for. */
inline_fn void record_lost(__u32 kind, __u64 packets, __u64 bytes)
{
	sum(kind == WEIR_STAT_LOST_DENIED ? WEIR_STAT_LOST_DENIALS : WEIR_STAT_LOST_RECORDS, 1, 0);
	sum(kind, packets, bytes);
}

inline_fn void record_flow(const struct packet *p, const struct verdict *v, __u8 kind, __u8 reason, __u8 flags)
{
	struct weir_record *r = bpf_ringbuf_reserve(&records, WEIR_RECORD_SHORT, 0);

	if (!r) {
		record_lost(kind == WEIR_REC_OPENED ? WEIR_STAT_LOST_OPENED : WEIR_STAT_LOST_AGAIN, p->segments, p->bytes);
		return;
	}
	record_fill(r, p, v, kind, reason);
	r->flags |= flags;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

__noinline int record_again(const struct packet *p, const struct verdict *v, int cut)
{
	if (p && v)
		record_flow(p, v, WEIR_REC_AGAIN, cut ? WEIR_CUT : WEIR_ALLOWED, cut ? WEIR_REC_CUT : 0);
	return 0;
}

#endif
