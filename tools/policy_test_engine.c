// SPDX-License-Identifier: Apache-2.0
// The engine as a judge: manifests through the real readers and the compiler, verdicts by the kernel's own header.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netpol/read.h"
#include "lib/policy/compile.h"
#include "lib/policy/image.h"
#include "tools/policy_test.h"

struct engine {
	struct judge judge;
	struct compiler *compiler;
	struct image *image;
	struct complaint *why;		/* of the manifest that is being read */
};

static void engine_close(struct judge *j)
{
	struct engine *e = (struct engine *)j;

	compile_free(e->compiler);
	image_free(e->image);
	free(e);
}

static int engine_open(struct judge **out, const struct judge_options *options, struct complaint *why)
{
	struct engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	err = image_new(&e->image) ?: compile_new(&e->compiler, NULL, image_op, e->image);
	if (err) {
		engine_close(&e->judge);
		return err;
	}
	compile_node_name(e->compiler, options->hand.node);
	*out = &e->judge;
	return 0;
}

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	struct engine *e = ctx;
	int err;

	if (!o) {
		*e->why = *why;
		return -EINVAL;
	}
	err = compile_object(e->compiler, o, e->why);
	object_free(o);
	return err;
}

static int on_changed(void *ctx, const char *key, const char *json)
{
	return read_manifests(json, strlen(json), key, on_object, ctx);
}

static int on_gone(void *ctx, const char *key)
{
	struct engine *e = ctx;
	char word[1024], *ns, *name;

	snprintf(word, sizeof(word), "%s", key);
	ns = strchr(word, '/');
	*ns++ = 0;
	name = strchr(ns, '/');
	if (name)
		*name++ = 0;
	for (int kind = 0; kind < OBJECT_KINDS; kind++)
		if (!strcmp(object_kind_name(kind), word))
			compile_gone(e->compiler, kind, name ? ns : "", name ?: ns);
	return 0;
}

static int engine_hand(struct judge *j, const struct cluster *c, struct complaint *why)
{
	struct engine *e = (struct engine *)j;
	struct compile_report report;
	int err;

	e->why = why;
	err = hand_over(j->hand, c, on_changed, on_gone, e);
	if (err)
		return err;
	err = compile_commit(e->compiler, &report) ?: compile_finish(e->compiler);
	if (err)
		complaint_set(why, 0, 0, "the compiler refused: %s", compile_bound_text(report.bound));
	if (!err && image_error(e->image)) {
		complaint_set(why, 0, 0, "the order of stores was broken: %s", image_error(e->image));
		err = -EPROTO;
	}
	return err;
}

static void author(const struct engine *e, unsigned int number, char *buf, size_t size)
{
	static const char *const fixed[] = {
		[WEIR_RULE_OPEN] = "open", [WEIR_RULE_ISOLATED] = "isolated", [WEIR_RULE_CLOSED] = "closed",
		[WEIR_RULE_NODE] = "node",
	};
	struct compile_rule rule;

	if (number && number < sizeof(fixed) / sizeof(*fixed))
		snprintf(buf, size, "%s", fixed[number]);
	else if (number && compile_rule_of(e->compiler, number, &rule))
		snprintf(buf, size, "%s%s%s:%u", rule.ns, *rule.ns ? "/" : "", rule.policy, rule.index + 1);
}

static const char *const reason_word[] = {
#define X(name, fate, word, text) [WEIR_##name] = word,
	WEIR_REASONS(X)
#undef X
};

static enum expect side_of(const struct engine *e, const struct judge_pair *p, const struct cell *c, enum weir_dir dir,
			   struct weir_answer *a)
{
	*a = (struct weir_answer){ 0 };
	return image_judge(e->image, &p->src, &p->dst, c->proto, c->port, WEIR_SIDE(dir), a) == WEIR_ALLOWED ?
		EXPECT_ALLOW : EXPECT_DENY;
}

static void judge_cell(const struct engine *e, const struct judge_pair *p, struct cell *c)
{
	static const enum weir_dir order[] = { WEIR_EGRESS, WEIR_INGRESS };
	bool there[WEIR_DIRS] = { [WEIR_EGRESS] = p->from_pod, [WEIR_INGRESS] = p->to_pod && !p->own_node };
	struct weir_answer a;

	c->got = EXPECT_ALLOW;
	if (p->own_node)
		snprintf(c->got_author[WEIR_INGRESS], sizeof(c->got_author[0]), "node");
	if (p->itself && !e->judge.options.hairpin) {
		snprintf(c->why, sizeof(c->why), "a pod to itself is not judged");
		return;
	}
	for (int i = 0; i < WEIR_DIRS; i++) {
		enum weir_dir d = order[i];

		if (!there[d])
			continue;
		c->got_side[d] = side_of(e, p, c, d, &a);
		if (c->got == EXPECT_DENY)
			continue;		/* the first that says no is the author */
		author(e, a.said[d].rule, c->got_author[d], sizeof(c->got_author[d]));
		c->got = c->got_side[d];
		snprintf(c->why, sizeof(c->why), "%s, %s", reason_word[a.reason], c->got_author[d]);
	}
}

static int engine_ask(struct judge *j, const struct cluster *c, struct cell *cell, unsigned int n, struct complaint *why)
{
	struct judge_pair p;

	for (unsigned int i = 0; i < n; i++)
		if (judge_pair(j, c, &cell[i], &p))
			judge_cell((struct engine *)j, &p, &cell[i]);
	return 0;
}

const struct judge_ops judge_engine = { engine_open, engine_close, engine_hand, engine_ask };
