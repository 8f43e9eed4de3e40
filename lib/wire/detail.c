// SPDX-License-Identifier: Apache-2.0
#include "lib/wire/detail.h"
#include "lib/wire/flow_inside.h"

static void write_decision(struct writer *w, uint32_t field, const struct flow_author *a, bool denied)
{
	uint8_t *mark = w->at;

	if (!wire_author_there(a))
		return;
	writer_text(w, 8, a->text);
	writer_text(w, 7, a->rule_name);
	writer_uint(w, 6, a->rule);
	writer_text(w, 5, a->policy);
	writer_text(w, 4, a->ns);
	writer_text(w, 3, a->kind);
	writer_text(w, 2, a->tier);
	if (denied)
		writer_literal(w, 1, "deny");
	else
		writer_literal(w, 1, "allow");
	writer_message(w, field, mark);
}

static void write_decisions(struct writer *w, const struct flow *f)
{
	for (unsigned int i = f->isolatings; i-- > 0; )
		writer_item(w, 8, f->isolating[i]);
	if (f->would_differ) {
		write_decision(w, 7, &f->would_ingress, f->would_deny);
		write_decision(w, 6, &f->would_egress, f->would_deny);
	}
	write_decision(w, 5, &f->ingress, f->ingress_denied);
	write_decision(w, 4, &f->egress, f->egress_denied);
}

void detail_write(struct writer *w, const struct flow *f)
{
	bool closed = f->kind == FLOW_CLOSED;

	writer_uint(w, 22, f->ended);
	writer_uint(w, 21, f->idle);
	writer_uint(w, 20, f->cut);
	writer_uint(w, 19, f->picked_up);
	writer_uint(w, 18, f->partial);
	writer_uint(w, 17, f->handshake_us);
	writer_uint(w, 16, f->repeats);
	writer_uint(w, 15, f->at_least);
	writer_uint(w, 14, f->duration);
	writer_uint(w, 13, f->bytes[1]);
	writer_uint(w, 12, f->packets[1]);
	writer_uint(w, 11, f->bytes[0]);
	writer_uint(w, 10, f->packets[0]);
	writer_text(w, 9, f->nearest);
	write_decisions(w, f);
	writer_text(w, 3, closed ? f->reason : "");
	writer_text(w, 2, closed ? "" : f->reason);
	writer_text(w, 1, wire_kind_word(f));
}

static void write_policy(struct writer *w, uint32_t field, const char *name, const char *ns, size_t ns_size, const char *kind)
{
	uint8_t *mark = w->at;

	writer_text(w, 5, kind);
	if (ns_size)
		writer_span(w, 2, ns, ns_size);
	writer_text(w, 1, name);
	writer_message(w, field, mark);
}

/* A default deny has no policy for its author: those that isolate the pod are. */
static void write_isolating(struct writer *w, uint32_t field, const struct flow *f)
{
	for (unsigned int i = f->isolatings; i-- > 0; ) {
		const char *ns = f->isolating[i], *slash = strchr(ns, '/');

		write_policy(w, field, slash ? slash + 1 : ns, ns, slash ? (size_t)(slash - ns) : 0, "NetworkPolicy");
	}
}

void policies_write(struct writer *w, uint32_t field, const struct flow *f, enum flow_direction side, bool denied)
{
	const struct flow_author *a = side == FLOW_EGRESS ? &f->egress : &f->ingress;
	bool was_denied = side == FLOW_EGRESS ? f->egress_denied : f->ingress_denied;

	if (was_denied != denied)
		return;
	if (*a->policy)
		write_policy(w, field, a->policy, a->ns, strlen(a->ns), a->kind);
	else if (denied)
		write_isolating(w, field, f);
}
