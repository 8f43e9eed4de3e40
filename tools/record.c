// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>

#include "tools/record.h"
#include "tools/words.h"

bool record_denied(const Weir__V1__Record *r)
{
	return !strcmp(r->verdict, "denied");
}

static bool is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* The verdict's column: what happened, in one word of at most seven letters. */
static const char *word(const Weir__V1__Record *r)
{
	if (record_denied(r))
		return is(r->kind, "again") ? "CUT" : "DENIED";
	if (is(r->verdict, "audit"))
		return "AUDIT";
	if (is(r->kind, "closed"))
		return "closed";
	if (is(r->kind, "again"))
		return "again";
	return "allowed";
}

static enum colour colour_of(const Weir__V1__Record *r)
{
	if (record_denied(r))
		return COLOUR_BAD;
	if (is(r->verdict, "audit"))
		return COLOUR_WARN;
	return is(r->kind, "closed") ? COLOUR_DIM : COLOUR_GOOD;
}

/* A pod by its name; the world and nodes by address too, since the name alone says little. */
static void print_end(FILE *to, const char *name, const char *address, unsigned int port, bool with_port)
{
	bool v6 = strchr(address, ':');

	if (strchr(name, '/'))
		fprintf(to, "%s", name);
	else if (*name && strcmp(name, "world"))
		fprintf(to, "%s(%s)", name, address);
	else
		fprintf(to, v6 && with_port ? "[%s]" : "%s", address);
	if (with_port)
		fprintf(to, ":%u", port);
}

static void print_flow(FILE *to, const Weir__V1__Record *r)
{
	bool ports = r->destination_port || r->source_port;

	if (is(r->source_address, "::") && is(r->destination_address, "::")) {
		fputs("a packet whose headers were not read", to);
		return;
	}
	print_end(to, r->source, r->source_address, 0, false);
	fputs(" -> ", to);
	print_end(to, r->destination, r->destination_address, r->destination_port, ports);
	fputc('/', to);
	for (const char *c = r->protocol; *c; c++)
		fputc(tolower((unsigned char)*c), to);
}

static void print_author(FILE *to, const char *direction, const char *policy, unsigned int rule)
{
	fprintf(to, "%s %s", direction, policy);
	if (rule)
		fprintf(to, " rule %u", rule);
}

/* Who let it pass: both sides, as far as this node judged them. */
static void print_allowed(FILE *to, const Weir__V1__Record *r)
{
	bool egress = *r->egress_policy, ingress = *r->ingress_policy;

	if (egress)
		print_author(to, "egress", r->egress_policy, r->egress_rule);
	if (egress && ingress)
		fputs(", ", to);
	if (ingress)
		print_author(to, "ingress", r->ingress_policy, r->ingress_rule);
	if (egress || ingress)
		return;
	if (*r->policy)
		print_author(to, r->direction, r->policy, r->rule);
	else if (r->picked_up)
		fputs("picked up: it is older than the pod's policy", to);
	else
		fprintf(to, "%s: %s", r->direction, *r->rule_text ? r->rule_text : reason_sentence(r->reason));
}

static void print_denied(FILE *to, const Weir__V1__Record *r)
{
	if (*r->direction)
		fprintf(to, "%s: ", r->direction);
	if (r->rule)
		fprintf(to, "%s rule %u%s%s", r->policy, r->rule, *r->rule_text ? " denies " : "", r->rule_text);
	else
		fprintf(to, "%s", reason_sentence(r->reason));
	if (!r->rule && *r->policy)
		fprintf(to, " (isolated by %s)", r->policy);
	if (*r->nearest_miss)
		fprintf(to, "; nearest: %s", r->nearest_miss);
	if (r->repeats)
		fprintf(to, " [%u more]", r->repeats);
}

static void print_totals(FILE *to, const Weir__V1__Record *r)
{
	char sent[24], back[24], age[24], idle[48] = "";

	if (!r->ended && r->idle_ms >= 2000)
		snprintf(idle, sizeof(idle), ", then idle for %s", text_age(r->idle_ms, age, sizeof(age)));
	fprintf(to, "%s%s after %s%s%s: %llu packets %s out, %llu packets %s back", r->ended ? "closed" : r->end, r->partial ? " (in part)" : "",
		r->duration_at_least ? "at least " : "", text_age(r->duration_ms, age, sizeof(age)), idle,
		(unsigned long long)r->packets, text_bytes(r->bytes, sent, sizeof(sent)),
		(unsigned long long)r->reply_packets, text_bytes(r->reply_bytes, back, sizeof(back)));
}

static void print_would(FILE *to, const Weir__V1__Record *r)
{
	if (!*r->would_be)
		return;
	fprintf(to, "; would be %s", is(r->would_be, "deny") || is(r->would_be, "denied") ? "denied" : r->would_be);
	if (*r->would_be_policy)
		fprintf(to, " by %s", r->would_be_policy);
}

void record_print(FILE *to, const Weir__V1__Record *r, bool colour)
{
	char when[24];

	fprintf(to, "%s  %s%-7s%s  ", text_time(r->time_ns, when, sizeof(when)), colour_on(colour_of(r), colour),
		word(r), colour_off(colour));
	print_flow(to, r);
	fputs("  ", to);
	if (record_denied(r))
		print_denied(to, r);
	else if (is(r->kind, "closed"))
		print_totals(to, r);
	else
		print_allowed(to, r);
	print_would(to, r);
	fputc('\n', to);
}
