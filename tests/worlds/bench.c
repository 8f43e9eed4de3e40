// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/read.h"

static const char *const side_word[] = { "ingress", "egress" };

const char *bench_break_text(enum bench_break how)
{
	static const char *const text[] = { "nothing", "everything allowed", "everything denied", "one rule's verdict turned",
					    "one rule's author wrong", "would-be verdicts turned", "one port too many" };

	return text[how];
}

/* -- the sink -- */

static void break_range(struct bench *b, struct weir_range *r, const struct weir_range *before)
{
	switch (b->broken) {
	case BREAK_ALLOW:
		r->verdict = WEIR_ALLOW;
		break;
	case BREAK_DENY:
		r->verdict = WEIR_DENY;
		break;
	case BREAK_ONE:
		if (r->rule == WEIR_RULE_FIRST)
			r->verdict = r->verdict == WEIR_ALLOW ? WEIR_DENY : WEIR_ALLOW;
		break;
	case BREAK_AUTHOR:
		if (r->rule == WEIR_RULE_FIRST)
			r->rule++;
		break;
	case BREAK_AUDIT:
		r->audit = r->audit == WEIR_ALLOW ? WEIR_DENY : WEIR_ALLOW;
		break;
	case BREAK_PORT:
		if (before && before->proto == r->proto && r->first == 81)
			r->first++;
		break;
	default:
		break;
	}
}

static int break_op(struct bench *b, const struct op *op)
{
	struct weir_range *copy = malloc(op->count * sizeof(*copy));
	struct op broken = *op;
	int err;

	memcpy(copy, op->range, op->count * sizeof(*copy));
	for (unsigned int i = 0; i < op->count; i++)
		break_range(b, &copy[i], i ? &copy[i - 1] : NULL);
	broken.range = copy;
	err = image_op(b->image, &broken);
	free(copy);
	return err;
}

static int sink(void *ctx, const struct op *op)
{
	struct bench *b = ctx;
	int err = b->broken && op->kind == OP_RANGES ? break_op(b, op) : image_op(b->image, op);

	return err ?: b->also ? b->also(b->also_ctx, op) : 0;
}

int bench_new(struct bench *b, enum bench_break broken)
{
	int err;

	*b = (struct bench){ .broken = broken };
	err = image_new(&b->image) ?: compile_new(&b->compiler, NULL, sink, b);
	if (err) {
		bench_free(b);
		return err;
	}
	compile_node_name(b->compiler, WORLD_NODE);
	return 0;
}

void bench_free(struct bench *b)
{
	if (b->compiler)
		compile_free(b->compiler);
	if (b->image)
		image_free(b->image);
}

/* -- events -- */

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	struct bench *b = ctx;
	struct complaint refused = { 0 };
	int err;

	if (!o) {
		b->rejected++;
		complaint_text(why, b->why, sizeof(b->why));
		return 0;
	}
	err = compile_object(b->compiler, o, &refused);
	if (err)
		complaint_text(&refused, b->why, sizeof(b->why));
	object_free(o);
	return err;
}

int bench_put(struct bench *b, const struct value *manifest)
{
	char *json = value_json(manifest);
	int err = read_manifests(json, strlen(json), "", on_object, b);

	free(json);
	return err;
}

static void gone(struct bench *b, const char *key)
{
	char kind[96], *ns, *name;

	snprintf(kind, sizeof(kind), "%s", key);
	ns = strchr(kind, '/');
	*ns++ = 0;
	name = strchr(ns, '/');
	if (name)
		*name++ = 0;
	for (int k = 0; k < OBJECT_KINDS; k++)
		if (!strcmp(object_kind_name(k), kind))
			compile_gone(b->compiler, k, name ? ns : "", name ?: ns);
}

int bench_commit(struct bench *b)
{
	struct compile_report report;
	int err = compile_commit(b->compiler, &report);

	if (err) {
		snprintf(b->why, sizeof(b->why), "commit: %s: %s", strerror(-err), compile_bound_text(report.bound));
		return err;
	}
	err = compile_finish(b->compiler);
	if (!err && image_error(b->image)) {
		snprintf(b->why, sizeof(b->why), "order broken: %s", image_error(b->image));
		err = -EPROTO;
	}
	return err;
}

int bench_event(struct bench *b, const struct event *e)
{
	if (e->kind == EVENT_PUT)
		return bench_put(b, e->put);
	if (e->kind == EVENT_COMMIT)
		return bench_commit(b);
	gone(b, e->key);
	return 0;
}

/* -- answers -- */

static const char *const tier_word[] = { "admin", "networkpolicy", "baseline" };

static void author_text(const struct bench *b, unsigned int number, char *buf, size_t size)
{
	struct compile_rule rule;

	if (number == WEIR_RULE_OPEN || number == WEIR_RULE_ISOLATED || number == WEIR_RULE_CLOSED)
		snprintf(buf, size, "%s", number == WEIR_RULE_OPEN ? "open" : number == WEIR_RULE_ISOLATED ? "isolated" : "closed");
	else if (number >= WEIR_RULE_FIRST && compile_rule_of(b->compiler, number, &rule))
		snprintf(buf, size, "%s %s/%s:%u", tier_word[rule.tier], rule.ns, rule.policy, rule.index);
	else
		snprintf(buf, size, "number %u", number);
}

static void reference_author_text(const struct reference_said *s, char *buf, size_t size)
{
	static const char *const fixed[] = { "nobody", "open", "isolated", "closed" };

	if (s->author == REFERENCE_RULE)
		snprintf(buf, size, "%s %s/%s:%u", s->tier, s->ns, s->policy, s->index);
	else
		snprintf(buf, size, "%s", fixed[s->author]);
}

bool bench_author_is(const struct bench *b, unsigned int number, const struct reference_said *said)
{
	char got[256], want[256];

	author_text(b, number, got, sizeof(got));
	reference_author_text(said, want, sizeof(want));
	return !strcmp(got, want);
}

/* Under a pod prefix who is not known yet is kept out, unless the pod is open to all: what blocks say of the address
 * does not count before it is known. */
bool bench_is_stranger(const struct bench *b, const struct weir_addr *remote, enum weir_dir d)
{
	return WEIR_WORD_CLASS(image_word(b->image, remote), d) == WEIR_CLASS_STRANGER;
}

static bool side_agrees(const struct bench *b, const struct reference *r, const struct question *q, enum weir_dir d,
			unsigned long *compared, char *difference, size_t size)
{
	enum reference_dir dir = d == WEIR_INGRESS ? REFERENCE_INGRESS : REFERENCE_EGRESS;
	const struct weir_addr *subject = d == WEIR_INGRESS ? &q->dst : &q->src;
	char got[256] = "not judged", want[256], got_would[256], want_would[256];
	struct weir_answer a = { 0 };
	struct reference_said now, would;
	enum weir_reason reason;

	if (!reference_is_local(r, subject->byte, WORLD_NODE))
		return true;
	reference_side(r, dir, q->src.byte, q->dst.byte, q->proto, q->port, false, &now);
	reference_side(r, dir, q->src.byte, q->dst.byte, q->proto, q->port, true, &would);
	reason = image_judge(b->image, &q->src, &q->dst, q->proto, q->port, WEIR_SIDE(d), &a);
	if (bench_is_stranger(b, d == WEIR_INGRESS ? &q->src : &q->dst, d)) {
		if (reason == WEIR_STRANGER ? reference_is_selected(r, dir, subject->byte) : now.allow || reason != WEIR_ALLOWED)
			return true;
		snprintf(difference, size, "%s: a stranger, and the engine says reason %d", side_word[d], reason);
		return false;
	}
	author_text(b, a.said[d].rule, got, sizeof(got));
	author_text(b, a.said[d].audit_rule, got_would, sizeof(got_would));
	reference_author_text(&now, want, sizeof(want));
	reference_author_text(&would, want_would, sizeof(want_would));
	(*compared)++;
	if (a.said[d].verdict == (now.allow ? WEIR_ALLOW : WEIR_DENY) && !strcmp(got, want) &&
	    a.said[d].audit == (would.allow ? WEIR_ALLOW : WEIR_DENY) && !strcmp(got_would, want_would))
		return true;
	snprintf(difference, size, "%s: engine %d by %.100s (would %d by %.100s, reason %d), reference %d by %.100s (would %d by %.100s)",
		 side_word[d], a.said[d].verdict, got, a.said[d].audit, got_would, a.reason, now.allow ? WEIR_ALLOW : WEIR_DENY,
		 want, would.allow ? WEIR_ALLOW : WEIR_DENY, want_would);
	return false;
}

bool bench_agrees(const struct bench *b, const struct reference *r, const struct question *q, unsigned long *compared,
		  char *difference, size_t size)
{
	/* A pod to itself, and the node's own sockets, are not the tables' matter. */
	if (addr_equal(&q->src, &q->dst) || WEIR_WORD_FLAGS(image_word(b->image, &q->src)) & WEIR_WORD_HOST)
		return true;
	return side_agrees(b, r, q, WEIR_EGRESS, compared, difference, size) &&
	       side_agrees(b, r, q, WEIR_INGRESS, compared, difference, size);
}

bool bench_allows(const struct bench *b, const struct question *q)
{
	struct weir_answer a = { 0 };

	return image_judge(b->image, &q->src, &q->dst, q->proto, q->port, WEIR_SIDE(WEIR_EGRESS) | WEIR_SIDE(WEIR_INGRESS),
			   &a) == WEIR_ALLOWED;
}
