/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The judge.  Kernel program, agent, CLI and tests compile this one header: what the laptop says is what the
 * kernel does.  It knows sets, classes and ranges; tiers, selectors, isolation and names live in the compiler.
 *
 *	struct weir_question q = { .opener = word, .receiver = word, .set = { ... }, .proto = 6, .port = 443,
 *				   .sides = WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS) };
 *	reason = weir_judge(view, &q, &answer);
 *
 * Whoever includes it has defined how a cell and a range are read (kernel: array maps; user space: memory):
 *
 *	static inline __u32 weir_view_cell(const struct weir_view *v, __u32 index);
 *	static inline const struct weir_range *weir_view_range(const struct weir_view *v, __u32 index);
 *
 * The second may answer NULL for an index out of bounds.
 */
#ifndef WEIR_VERDICT_H
#define WEIR_VERDICT_H

#include <weir/answer.h>
#include <weir/base.h>
#include <weir/flow.h>
#include <weir/policy.h>

#ifndef WEIR_INLINE
#define WEIR_INLINE static inline __attribute__((always_inline, unused))
#endif

struct weir_view;

/* TCP, UDP and SCTP have a lane of ports each; the rest share the lane without. */
WEIR_INLINE __u8 weir_lane(__u8 proto)
{
	return proto == 6 || proto == 17 || proto == 132 ? proto : 0;
}

/* The range of a table that holds (lane, port): the last one that begins at or before it. */
WEIR_INLINE const struct weir_range *weir_table_find(const struct weir_view *v, __u32 cell, __u8 lane, __u16 port)
{
	__u32 low = WEIR_CELL_FIRST(cell), count = WEIR_CELL_COUNT(cell), want = (__u32)lane << 16 | port;

	for (int i = 0; i < 14 && count > 1; i++) {
		__u32 half = count / 2;
		const struct weir_range *r = weir_view_range(v, low + half);

		if (!r)
			return r;
		if (((__u32)r->proto << 16 | r->first) <= want) {
			low += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return weir_view_range(v, low);
}

/* What a set says of a class.  UNDECIDED: 'out' has it; else why nothing could be said. */
WEIR_INLINE enum weir_reason weir_set_says(const struct weir_view *v, const struct weir_set *set, __u16 class,
					   __u8 lane, __u16 port, struct weir_said *out)
{
	const struct weir_range *r;
	__u32 cell;

	if (!set->limit)
		return WEIR_UNARMED;
	if (class == WEIR_CLASS_OVER)
		return WEIR_NO_CLASS;
	if (class >= set->limit)
		return WEIR_NO_ROW;
	cell = weir_view_cell(v, set->base + class);
	if (!cell)
		return class == WEIR_CLASS_STRANGER ? WEIR_STRANGER : WEIR_NO_ROW;
	r = weir_table_find(v, cell, lane, lane ? port : 0);
	if (!r)
		return WEIR_NO_ROW;
	out->rule = r->rule;
	out->audit_rule = r->audit_rule;
	out->verdict = r->verdict;
	out->audit = r->audit;
	return WEIR_UNDECIDED;
}

/* How a denial is called: the author tells. */
WEIR_INLINE enum weir_reason weir_denial(__u16 rule)
{
	return rule == WEIR_RULE_ISOLATED ? WEIR_NO_RULE : rule == WEIR_RULE_CLOSED ? WEIR_CLOSED : WEIR_DENIED;
}

WEIR_INLINE enum weir_reason weir_judge_side(const struct weir_view *v, const struct weir_question *q,
					     enum weir_dir dir, struct weir_said *out)
{
	__u64 peer = dir == WEIR_EGRESS ? q->receiver : q->opener;
	enum weir_reason why;

	if (dir == WEIR_INGRESS && q->own_node) {
		*out = (struct weir_said){ .rule = WEIR_RULE_NODE, .audit_rule = WEIR_RULE_NODE,
					   .verdict = WEIR_ALLOW, .audit = WEIR_ALLOW };
		return WEIR_UNDECIDED;
	}
	if (WEIR_WORD_FLAGS(peer) & WEIR_WORD_RESTING)
		return WEIR_RESTING;
	why = weir_set_says(v, &q->set[dir], WEIR_WORD_CLASS(peer, dir), weir_lane(q->proto), q->port, out);
	if (why)
		return why;
	return out->verdict == WEIR_ALLOW ? WEIR_UNDECIDED : weir_denial(out->rule);
}

/* One side of an answer that begins as ALLOWED; nothing where it is not judged here. */
WEIR_INLINE enum weir_reason weir_judge_step(const struct weir_view *v, const struct weir_question *q,
					     struct weir_answer *a, enum weir_dir dir)
{
	enum weir_reason why;

	if (!(q->sides & WEIR_SIDE(dir)))
		return WEIR_ALLOWED;
	why = weir_judge_side(v, q, dir, &a->said[dir]);
	a->side = dir;
	if (why)
		return a->reason = why;
	a->would_deny |= a->said[dir].audit == WEIR_DENY;
	return WEIR_ALLOWED;
}

/* Both sides, or the one that is judged here.  ALLOWED, or the reason of the first side that said no: the
 * opener's egress before the receiver's ingress. */
WEIR_INLINE enum weir_reason weir_judge(const struct weir_view *v, const struct weir_question *q, struct weir_answer *a)
{
	enum weir_reason why;

	a->reason = WEIR_ALLOWED;
	a->would_deny = 0;
	why = weir_judge_step(v, q, a, WEIR_EGRESS);
	return why == WEIR_ALLOWED ? weir_judge_step(v, q, a, WEIR_INGRESS) : why;
}

#endif
