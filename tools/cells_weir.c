// SPDX-License-Identifier: Apache-2.0
/* What only weir says of a flow: who decided on either side, and how close a rule came. */
#include "tools/cells.h"
#include "tools/words.h"

#define DETAIL_TYPE "/weir.v1.FlowDetail"

const Weir__V1__FlowDetail *cells_detail(const Flow__Flow *f, struct reuse *room)
{
	const Google__Protobuf__Any *any = f->extensions;
	size_t n = any ? strlen(any->type_url) : 0, tail = strlen(DETAIL_TYPE);

	if (n < tail || strcmp(any->type_url + n - tail, DETAIL_TYPE))
		return NULL;
	return reuse_unpack(room, &weir__v1__flow_detail__descriptor, any->value.data, any->value.len);
}

/* "shop/cart#2", "lock-all#1", "shop/default-deny" */
static void put_rule(struct text *t, const Weir__V1__Decision *d)
{
	if (*d->namespace_) {
		text_clean(t, d->namespace_);
		text_char(t, '/');
	}
	text_clean(t, d->policy);
	if (d->rule) {
		text_char(t, '#');
		text_uint(t, d->rule);
	}
}

static bool names(const Weir__V1__Decision *d)
{
	return d && *d->policy;
}

/* One word for both sides, and for one of them where only one is there. */
static void put_sides(struct text *t, const Weir__V1__Decision *egress, const Weir__V1__Decision *ingress)
{
	if (names(egress)) {
		text_put(t, "egress ");
		put_rule(t, egress);
	}
	if (names(egress) && names(ingress))
		text_put(t, ", ");
	if (names(ingress)) {
		text_put(t, "ingress ");
		put_rule(t, ingress);
	}
}

static bool denies(const Weir__V1__Decision *d)
{
	return d && !strncmp(d->verdict, "deny", 4);
}

static const char *side_word(const Flow__Flow *f)
{
	switch (f->traffic_direction) {
	case FLOW__TRAFFIC_DIRECTION__INGRESS:
		return "ingress ";
	case FLOW__TRAFFIC_DIRECTION__EGRESS:
		return "egress ";
	default:
		return "";
	}
}

/* A rule said no, or none said yes: then those who isolate the pod are to be asked. */
static void put_denier(struct text *t, const Flow__Flow *f, const Weir__V1__FlowDetail *d, const char *by)
{
	const Weir__V1__Decision *egress = denies(d->egress) ? d->egress : NULL;
	const Weir__V1__Decision *ingress = denies(d->ingress) ? d->ingress : NULL;
	bool rule = (names(egress) && egress->rule) || (names(ingress) && ingress->rule);

	if (!rule && d->n_isolating) {
		text_put(t, by);
		text_put(t, side_word(f));
		for (size_t i = 0; i < d->n_isolating; i++) {
			text_put(t, i ? ", " : "");
			text_clean(t, d->isolating[i]);
		}
	} else if (names(egress) || names(ingress)) {
		text_put(t, by);
		put_sides(t, egress, ingress);
	} else if (*d->reason) {
		text_clean(t, reason_sentence(d->reason));
	}
}

static void put_allower(struct text *t, const Weir__V1__FlowDetail *d, const char *by)
{
	const Weir__V1__Decision *open = d->ingress ? d->ingress : d->egress;

	if (names(d->egress) || names(d->ingress)) {
		text_put(t, by);
		put_sides(t, d->egress, d->ingress);
	} else if (d->picked_up) {
		text_put(t, "picked up: it is older than the pod's policy");
	} else if (open) {
		text_clean(t, open->text);
	}
}

static void put_would(struct text *t, const Weir__V1__FlowDetail *d)
{
	const Weir__V1__Decision *e = d->would_egress, *i = d->would_ingress;

	if (!e && !i)
		return;
	text_put(t, denies(e) || denies(i) ? "; would be denied" : "; would be allowed");
	if (names(e) || names(i)) {
		text_put(t, " by ");
		put_sides(t, e, i);
	}
}

void cells_author(struct text *t, const Flow__Flow *f, const Weir__V1__FlowDetail *d, const char *by)
{
	size_t from = t->n;

	if (!d)
		return;
	if (f->verdict == FLOW__VERDICT__DROPPED || f->verdict == FLOW__VERDICT__ERROR)
		put_denier(t, f, d, by);
	else
		put_allower(t, d, by);
	put_would(t, d);
	if (t->n - from >= 2 && t->data[from] == ';') {		/* nobody stands before it */
		memmove(t->data + from, t->data + from + 2, t->n - from - 2);
		t->n -= 2;
	}
}

void cells_nearest(struct text *t, const Weir__V1__FlowDetail *d)
{
	if (*d->nearest_miss) {
		text_put(t, "nearest: ");
		text_clean(t, d->nearest_miss);
	}
}
