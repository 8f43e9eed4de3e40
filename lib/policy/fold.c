// SPDX-License-Identifier: Apache-2.0
/*
 * One table: what the rules of a set say about peers that match these of its atoms.  Every lane is covered without
 * a gap; each range names its author.  The ports of all rules cut a lane into segments; rules then paint segments in
 * order of precedence, each segment once per stage, so the cost is that of sorting the cuts.
 */
#include "lib/policy/inside.h"

static const u8 proto_of[LANES] = { 0, 6, 17, 132 };	/* 0: whatever has no ports */
enum { STAGES = TIER_BASELINE + 1, NOBODY = 0xffffffff };

struct span {
	u32 first, last, rule;
};
struct fold {				/* room that is used again */
	struct span *span;
	u32 n, cap;
	u32 *cut, ncut, ccut;
	u32 *won[2][STAGES], *next[2][STAGES], cwon;	/* [1]: with audited policies */
	struct weir_range *out;
	u32 nout, cout;
};

static void span_add(struct fold *f, u32 first, u32 last, u32 rule)
{
	GROW(f->span, f->cap, f->n);
	f->span[f->n++] = (struct span){ first, last, rule };
}

/* What a peer with this signature calls by that name, in this lane. */
static void spans_named(const struct compiler *c, struct fold *f, const struct set *s, u32 rule, u32 name, int lane,
			const struct vec *sig)
{
	for (u32 k = 0; k < sig->n; k++) {
		const struct intern_entry *e = &c->atoms.e[sig->v[k]];

		if (e->n == 4 && e->w[0] == PIECE_NAMED && e->w[1] == s->rule[rule].atom && e->w[2] == name &&
		    e->w[3] >> 16 == proto_of[lane])
			span_add(f, e->w[3] & 0xffff, e->w[3] & 0xffff, rule);
	}
}

static void spans_of(const struct compiler *c, struct fold *f, const struct set *s, u32 rule, int lane, const struct vec *sig)
{
	const struct set_rule *r = &s->rule[rule];

	if (r->n == ANY_PORT) {
		span_add(f, 0, 65535, rule);
		return;
	}
	for (u32 i = r->first; i < r->first + r->n; i++) {
		const struct set_port *p = &s->port[i];

		if (!p->name && p->lane == lane)
			span_add(f, p->first, p->last, rule);
		else if (p->name && (p->lane == lane || p->lane == LANE_ANY))
			spans_named(c, f, s, rule, p->name, lane, sig);
	}
}

static void cuts(struct fold *f)
{
	if (f->ccut < 2 * f->n + 1) {
		f->ccut = 4 * f->n + 16;
		f->cut = words_realloc(f->cut, f->ccut * sizeof(u32));
	}
	f->ncut = 0;
	f->cut[f->ncut++] = 0;
	for (u32 i = 0; i < f->n; i++) {
		f->cut[f->ncut++] = f->span[i].first;
		if (f->span[i].last < 65535)
			f->cut[f->ncut++] = f->span[i].last + 1;
	}
	f->ncut = words_uniq(f->cut, f->ncut);
}

static u32 segment_at(const struct fold *f, u32 port)
{
	u32 low = 0, high = f->ncut;

	while (high - low > 1) {
		u32 m = (low + high) / 2;

		if (f->cut[m] <= port)
			low = m;
		else
			high = m;
	}
	return low;
}

static u32 unpainted(u32 *next, u32 i)
{
	while (next[i] != i)
		i = next[i] = next[next[i]];
	return i;
}

static void canvas(struct fold *f)
{
	bool small = f->ncut + 1 > f->cwon;

	if (small)
		f->cwon = (f->ncut + 1) * 2;
	for (int a = 0; a < 2; a++)
		for (int t = 0; t < STAGES; t++) {
			if (small) {
				f->won[a][t] = words_realloc(f->won[a][t], f->cwon * sizeof(u32));
				f->next[a][t] = words_realloc(f->next[a][t], f->cwon * sizeof(u32));
			}
			for (u32 i = 0; i <= f->ncut; i++) {
				f->won[a][t][i] = NOBODY;
				f->next[a][t][i] = i;
			}
		}
}

static void paint(struct fold *f, const struct set *s)
{
	canvas(f);
	for (u32 i = 0; i < f->n; i++) {
		const struct set_rule *r = &s->rule[f->span[i].rule];
		u32 from = segment_at(f, f->span[i].first), to = segment_at(f, f->span[i].last);

		for (int a = r->audit; a < 2; a++) {
			u32 *next = f->next[a][r->stage], *won = f->won[a][r->stage];

			for (u32 k = unpainted(next, from); k <= to; k = unpainted(next, k)) {
				won[k] = f->span[i].rule;
				next[k] = k + 1;
			}
		}
	}
}

static u8 judge(const struct fold *f, const struct set *s, int a, u32 segment, u16 *rule)
{
	for (int t = TIER_ADMIN; t < STAGES; t++) {
		u32 r = f->won[a][t][segment];

		if (r != NOBODY && s->rule[r].action != ACTION_PASS) {
			*rule = s->rule[r].number;
			return s->rule[r].action == ACTION_ALLOW ? WEIR_ALLOW : WEIR_DENY;
		}
		if (t == TIER_NETPOL && s->isolated[a]) {
			*rule = WEIR_RULE_ISOLATED;
			return WEIR_DENY;
		}
	}
	*rule = s->closed[a] ? WEIR_RULE_CLOSED : WEIR_RULE_OPEN;
	return s->closed[a] ? WEIR_DENY : WEIR_ALLOW;
}

static bool same_words(const struct weir_range *a, const struct weir_range *b)
{
	return a->rule == b->rule && a->audit_rule == b->audit_rule && a->verdict == b->verdict && a->audit == b->audit;
}

static void lane_out(struct fold *f, const struct set *s, int lane)
{
	u32 start = f->nout;

	for (u32 i = 0; i < f->ncut; i++) {
		struct weir_range r = { .first = f->cut[i], .proto = proto_of[lane],
					.last = i + 1 < f->ncut ? f->cut[i + 1] - 1 : 65535 };

		r.verdict = judge(f, s, 0, i, &r.rule);
		r.audit = judge(f, s, 1, i, &r.audit_rule);
		if (f->nout > start && same_words(&f->out[f->nout - 1], &r)) {
			f->out[f->nout - 1].last = r.last;
			continue;
		}
		GROW(f->out, f->cout, f->nout);
		f->out[f->nout++] = r;
	}
}

u32 fold(struct compiler *c, const struct set *s, const u32 *sig, u32 n)
{
	const struct vec atoms = { .v = (u32 *)sig, .n = n };
	struct fold *f = c->fold;

	if (!f)
		f = c->fold = words_zalloc(sizeof(*f));
	f->nout = 0;
	for (int lane = 0; lane < LANES; lane++) {
		f->n = 0;
		for (u32 r = 0; r < s->nrule; r++)
			if (!s->rule[r].atom || words_have(sig, n, s->rule[r].atom))
				spans_of(c, f, s, r, lane, &atoms);
		cuts(f);
		paint(f, s);
		lane_out(f, s, lane);
	}
	if (f->nout > WEIR_TABLE_MAX)
		return 0;
	return intern_get(&c->tables, (const u32 *)f->out, f->nout * (sizeof(*f->out) / sizeof(u32)));
}

/* After a table of thousands of ranges: the next ones are small again. */
void fold_trim(struct compiler *c)
{
	if (c->fold && c->fold->cwon > 4096)
		fold_free(c);
}

void fold_free(struct compiler *c)
{
	struct fold *f = c->fold;

	if (!f)
		return;
	for (int a = 0; a < 2; a++)
		for (int t = 0; t < STAGES; t++) {
			words_free(f->won[a][t]);
			words_free(f->next[a][t]);
		}
	words_free(f->span);
	words_free(f->cut);
	words_free(f->out);
	words_free(f);
	c->fold = NULL;
}
