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
	__u64 word[2];		/* what the two addresses mean */
	__u16 ep[2];		/* which endpoints they are */
	__u8 opener;		/* which side began it */
	__u8 sides;		/* WEIR_SIDE of what is to be judged; 0: allowed without a word */
	__u8 aloof;		/* this packet makes no flow: judged by itself */
	__u8 picked_up;
	__u32 slot;		/* the flow's, ~0 if it has none */
	__u16 incarnation;
	__u16 pad;
	struct weir_answer answer;
	__u32 pad2;
};

__noinline int peer_words(const struct packet *p, struct verdict *v)
{
	if (!p || !v)
		return 0;
	v->word[0] = peer_word(&p->addr[0]);
	v->word[1] = peer_word(&p->addr[1]);
	return 0;
}

inline_fn __u64 set_of(__u32 number, enum weir_dir dir)
{
	const struct weir_endpoint *ep = endpoint(number);

	return ep ? ONCE(*(__u64 *)&ep->set[dir]) : 0;
}
inline_fn void hit(const struct weir_said *said)
{
	__u32 rule = said->rule;
	__u64 *n = said->verdict ? bpf_map_lookup_elem(&rule_hits, &rule) : NULL;

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* ALLOWED, or why not.  Rules are counted here, and only here. */
__noinline int judge(const struct packet *p, struct verdict *v)
{
	struct weir_question q = {};
	__u64 word;

	if (!p || !v)
		return WEIR_NO_ROW;
	__builtin_memset(&v->answer, 0, sizeof(v->answer));
	q.proto = p->proto;
	q.sides = v->sides;
	q.port = bpf_ntohs(v->opener ? p->port[0] : p->port[1]);
	q.opener = v->opener ? v->word[1] : v->word[0];
	q.receiver = v->opener ? v->word[0] : v->word[1];
	q.own_node = (v->opener ? v->ep[1] : v->ep[0]) == WEIR_ENDPOINT_NODE;
	if (q.sides & WEIR_SIDE(WEIR_EGRESS)) {
		word = set_of(v->opener ? v->ep[1] : v->ep[0], WEIR_EGRESS);
		q.set[WEIR_EGRESS] = (struct weir_set){ .base = word, .limit = word >> 32 };
	}
	if (q.sides & WEIR_SIDE(WEIR_INGRESS)) {
		word = set_of(v->opener ? v->ep[0] : v->ep[1], WEIR_INGRESS);
		q.set[WEIR_INGRESS] = (struct weir_set){ .base = word, .limit = word >> 32 };
	}
	weir_judge(NULL, &q, &v->answer);
	hit(&v->answer.said[WEIR_EGRESS]);
	hit(&v->answer.said[WEIR_INGRESS]);
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
