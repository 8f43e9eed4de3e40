/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge of include/weir/verdict.h over the mapped arrays. */
#ifndef WEIR_BPF_JUDGE_H
#define WEIR_BPF_JUDGE_H

#include "bpf/peer.h"

struct weir_view;

inline_fn __u32 weir_view_cell(const struct weir_view *v, __u32 index)
{
	__u32 line = index / WEIR_CELLS_LINE;
	const struct weir_cells *c = bpf_map_lookup_elem(&cells, &line);

	return c ? ONCE(c->cell[index % WEIR_CELLS_LINE]) : 0;
}
inline_fn const struct weir_range *weir_view_range(const struct weir_view *v, __u32 index)
{
	return bpf_map_lookup_elem(&ranges, &index);
}

#include <weir/verdict.h>

/* A connection that is to be judged, and what was said.  Sides as in the packet, not as in a question. */
struct verdict {
	__u32 at[2];		/* where the words of the two addresses are */
	__u16 ep[2];		/* which endpoints they are */
	__u8 opener;		/* which side began it */
	__u8 sides;		/* WEIR_SIDE of what is to be judged */
	__u8 aloof;		/* this packet makes no flow: judged by itself */
	__u8 picked_up;
	__u32 slot;		/* the flow's, ~0 if it has none */
	__u16 incarnation;
	__u8 self;		/* a pod and its own address: allowed without a word */
	__u8 pad;
	struct weir_answer answer;
};

__noinline int peer_slots(const struct packet *p, struct verdict *v)
{
	const struct weir_endpoint *me;
	__u64 own;

	if (!p || !v)
		return 0;
	me = endpoint(p->me);
	own = me ? ONCE(me->own) : 0;
	v->at[0] = end_slot(own, &p->addr[0]);
	v->at[1] = end_slot(own, &p->addr[1]);
	return 0;
}
inline_fn __u64 word_of(const struct verdict *v, int side) { return word_at(side ? v->at[1] : v->at[0]); }

inline_fn __u64 set_of(__u32 number, enum weir_dir dir)
{
	const struct weir_endpoint *ep = endpoint(number);

	if (!ep)
		return 0;
	return dir == WEIR_EGRESS ? ONCE(*(__u64 *)&ep->set[WEIR_EGRESS]) : ONCE(*(__u64 *)&ep->set[WEIR_INGRESS]);
}
inline_fn void hit(const struct weir_said *said)
{
	__u32 rule = said->rule;
	__u64 *n = said->verdict ? bpf_map_lookup_elem(&rule_hits, &rule) : NULL;

	if (n)
		__sync_fetch_and_add(n, 1);
}

/*
 * What the peer of a side means, asked when the side's set has been read: a class is never older than the set that is
 * asked about it.  A slot may be trusted for that unless its address has left, or stood under a prefix and may have come.
 * A peer that has become another pod meanwhile rests.
 */
inline_fn __u64 word_judged(const struct packet *p, const struct verdict *v, __u32 side)
{
	__u64 word = word_of(v, side);
	__u32 pod;

	if (!word_has(word, WEIR_WORD_SET) || word_has(word, WEIR_WORD_PREFIX))
		word = peer_word(&p->addr[side & 1]);
	pod = word_pod(word);
	return pod && pod != v->ep[side & 1] ? WEIR_WORD(0, 0, 0, WEIR_WORD_RESTING) : word;
}

/* One side: its set, then its peer's class, then the table.  Rules are counted here, and only here. */
__noinline int judge_side(const struct packet *p, struct verdict *v, __u32 dir)
{
	struct weir_question q = {};
	__u32 side;
	__u64 set;

	if (!p || !v)
		return WEIR_NO_ROW;
	side = dir == WEIR_EGRESS ? v->opener : !v->opener;
	set = set_of(v->ep[side & 1], dir);
	q.sides = v->sides;
	q.proto = p->proto;
	q.port = bpf_ntohs(p->port[!v->opener]);
	q.own_node = v->ep[v->opener & 1] == WEIR_ENDPOINT_NODE;
	if (dir == WEIR_EGRESS) {
		q.set[WEIR_EGRESS] = (struct weir_set){ .base = set, .limit = set >> 32 };
		q.receiver = word_judged(p, v, !side);
		weir_judge_step(NULL, &q, &v->answer, WEIR_EGRESS);
		hit(&v->answer.said[WEIR_EGRESS]);
	} else {
		q.set[WEIR_INGRESS] = (struct weir_set){ .base = set, .limit = set >> 32 };
		q.opener = word_judged(p, v, !side);
		weir_judge_step(NULL, &q, &v->answer, WEIR_INGRESS);
		hit(&v->answer.said[WEIR_INGRESS]);
	}
	return v->answer.reason;
}

/* ALLOWED, or why not. */
inline_fn enum weir_reason judge(const struct packet *p, struct verdict *v)
{
	__builtin_memset(&v->answer, 0, sizeof(v->answer));
	v->answer.reason = WEIR_ALLOWED;
	if (v->sides & WEIR_SIDE(WEIR_EGRESS))
		judge_side(p, v, WEIR_EGRESS);
	if ((v->sides & WEIR_SIDE(WEIR_INGRESS)) && v->answer.reason == WEIR_ALLOWED)
		judge_side(p, v, WEIR_INGRESS);
	if (v->answer.would_deny && v->answer.reason == WEIR_ALLOWED)
		sum(WEIR_STAT_WOULD_DENY, p->segments, p->bytes);
	return v->answer.reason;
}

/* Who decided on a side: its author; judged elsewhere if it is no pod of ours. */
inline_fn __u16 rule_of(const struct verdict *v, enum weir_dir dir)
{
	int side = dir == WEIR_EGRESS ? v->opener : !v->opener;

	if (v->answer.said[dir].rule)
		return v->answer.said[dir].rule;
	return number_is_pod(side ? v->ep[1] : v->ep[0]) ? WEIR_RULE_NONE : WEIR_RULE_REMOTE;
}

#endif
