// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/flow_inside.h"
#include "lib/wire/json_detail.h"

static void put_decision(struct json_line *o, const char *key, size_t n, const struct flow_author *a, bool denied)
{
	if (!wire_author_there(a))
		return;
	line_open(o, key, n);
	line_word(o, LINE_KEY("verdict"), denied ? "deny" : "allow");
	line_text(o, LINE_KEY("tier"), a->tier);
	line_text(o, LINE_KEY("kind"), a->kind);
	line_text(o, LINE_KEY("namespace"), a->ns);
	line_text(o, LINE_KEY("policy"), a->policy);
	line_uint(o, LINE_KEY("rule"), a->rule);
	line_text(o, LINE_KEY("rule_name"), a->rule_name);
	line_text(o, LINE_KEY("text"), a->text);
	line_close(o);
}

static void put_totals(struct json_line *o, const struct flow *f)
{
	line_long(o, LINE_KEY("packets"), f->packets[0]);
	line_long(o, LINE_KEY("bytes"), f->bytes[0]);
	line_long(o, LINE_KEY("reply_packets"), f->packets[1]);
	line_long(o, LINE_KEY("reply_bytes"), f->bytes[1]);
	line_long(o, LINE_KEY("duration_ns"), f->duration);
	line_uint(o, LINE_KEY("repeats"), f->repeats);
	line_uint(o, LINE_KEY("handshake_us"), f->handshake_us);
	if (f->at_least)
		line_bool(o, LINE_KEY("at_least"), true);
	if (f->partial)
		line_bool(o, LINE_KEY("partial"), true);
	if (f->picked_up)
		line_bool(o, LINE_KEY("picked_up"), true);
	if (f->cut)
		line_bool(o, LINE_KEY("cut"), true);
	line_long(o, LINE_KEY("idle_ns"), f->idle);
	if (f->ended)
		line_bool(o, LINE_KEY("ended"), true);
}

void line_detail(struct json_line *o, const struct flow *f)
{
	line_text(o, LINE_KEY("kind"), wire_kind_word(f));
	if (f->kind == FLOW_CLOSED)
		line_text(o, LINE_KEY("end"), f->reason);
	else
		line_text(o, LINE_KEY("reason"), f->reason);
	put_decision(o, LINE_KEY("egress"), &f->egress, f->egress_denied);
	put_decision(o, LINE_KEY("ingress"), &f->ingress, f->ingress_denied);
	if (f->would_differ) {
		put_decision(o, LINE_KEY("would_egress"), &f->would_egress, f->would_deny);
		put_decision(o, LINE_KEY("would_ingress"), &f->would_ingress, f->would_deny);
	}
	line_texts(o, LINE_KEY("isolating"), f->isolating, f->isolatings);
	line_text(o, LINE_KEY("nearest_miss"), f->nearest);
	put_totals(o, f);
}

static void put_policy(struct json_line *o, const char *name, const char *ns, size_t ns_size, const char *kind)
{
	line_put(o, "{", 1);
	line_text(o, LINE_KEY("name"), name);
	if (ns_size) {
		line_put(o, LINE_KEY("namespace"));
		line_span(o, ns, ns_size);
	}
	line_text(o, LINE_KEY("kind"), kind);
	line_close(o);
}

/* A default deny has no policy for its author: those that isolate the pod are. */
static void put_isolating(struct json_line *o, const struct flow *f)
{
	for (unsigned int i = 0; i < f->isolatings; i++) {
		const char *ns = f->isolating[i], *slash = strchr(ns, '/');

		put_policy(o, slash ? slash + 1 : ns, ns, slash ? (size_t)(slash - ns) : 0, "NetworkPolicy");
	}
}

void line_policies(struct json_line *o, const char *key, size_t n, const struct flow *f, enum flow_direction side, bool denied)
{
	const struct flow_author *a = side == FLOW_EGRESS ? &f->egress : &f->ingress;
	bool was_denied = side == FLOW_EGRESS ? f->egress_denied : f->ingress_denied;

	if (was_denied != denied || (!*a->policy && !(denied && f->isolatings)))
		return;
	line_put(o, key, n);
	line_put(o, "[", 1);
	if (*a->policy)
		put_policy(o, a->policy, a->ns, strlen(a->ns), a->kind);
	else
		put_isolating(o, f);
	line_close_list(o);
}
