// SPDX-License-Identifier: Apache-2.0
/* weir why: may A reach B, who says so, and what is nearest to another answer. */
#include <ctype.h>
#include <string.h>

#include "lib/control/json.h"
#include "tools/ask.h"
#include "tools/record.h"
#include "tools/words.h"

static struct verb_want want;
static const char *ns, *from;

static const struct opt options[] = {
	OPT_TEXT('n', "namespace", &ns, "NAMESPACE", "of pods named without one"),
	OPT_TEXT(0, "from", &from, "ADDRESS", "which of the source's addresses (default: the first family both have)"),
	VERB_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"why [OPTION...] SOURCE DESTINATION:PORT[/PROTOCOL]",
	"Says whether policy lets SOURCE open a connection to DESTINATION, and for each side who decides: policy, rule, the\n"
	"rule that came nearest, what audited policies would say, and the last real packets between the two. An end is\n"
	"NAMESPACE/POD or an address (IPv6 with a port: in brackets). PROTOCOL is tcp (default), udp, sctp, or a number;\n"
	"DESTINATION:icmp asks for ICMP.",
	"0 allowed, 1 denied", false
};

static bool denies(const char *verdict)
{
	return !strncmp(verdict, "den", 3);
}

static void print_line(const char *name, const char *text)
{
	if (*text)
		printf("    %-14s %s\n", name, text);
}

static void print_isolating(const Weir__V1__Side *s)
{
	if (!s->n_isolating)
		return;
	printf("    %-14s ", "isolated by");
	for (size_t i = 0; i < s->n_isolating; i++)
		printf("%s%s", i ? ", " : "", s->isolating[i]);
	putchar('\n');
}

/* Who said it, in one sentence. */
static void print_author(const Weir__V1__Side *s)
{
	char text[1024];

	if (!*s->policy) {
		print_line("because", reason_sentence(s->reason));
		return;
	}
	if (s->rule)
		snprintf(text, sizeof(text), "%s, rule %u%s%s%s", s->policy, s->rule, *s->rule_name ? " '" : "", s->rule_name,
			 *s->rule_name ? "'" : "");
	else
		snprintf(text, sizeof(text), "%s", s->policy);
	print_line("policy", text);
	print_line("which says", s->rule_text);
	print_line("tier", s->tier);
}

static void print_side(const Weir__V1__Side *s, const Weir__V1__Why *w)
{
	const char *subject = strcmp(s->direction, "egress") ? w->destination : w->source;
	bool no = denies(s->verdict);
	char text[512];

	if (!s->judged_here) {
		printf("\n  %s of %s: not judged on this node\n", s->direction, subject);
		return;
	}
	printf("\n  %s of %s: %s%s%s\n", s->direction, subject, colour_on(no ? COLOUR_BAD : COLOUR_GOOD, want.colour),
	       no ? "denied" : "allowed", colour_off(want.colour));
	print_author(s);
	if (no || !*s->policy)
		print_isolating(s);
	print_line("nearest rule", s->nearest_miss);
	if (*s->would_be) {
		snprintf(text, sizeof(text), "%s%s%s", denies(s->would_be) ? "denied" : "allowed",
			 *s->would_be_policy ? " by " : "", s->would_be_policy);
		if (s->would_be_rule)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), ", rule %u", s->would_be_rule);
		print_line("would be", text);
	}
}

static void print_port(const struct target *t)
{
	if (t->port)
		printf(":%u", t->port);
	putchar('/');
	for (const char *c = t->protocol; *c; c++)
		putchar(tolower((unsigned char)*c));
}

/* "DENIED at ingress of shop/db, egress is open" before all else. */
static void print_verdict(const Weir__V1__Why *w, const struct target *t)
{
	bool no = denies(w->verdict);

	printf("%s%s%s  %s -> %s", colour_on(no ? COLOUR_BAD : COLOUR_GOOD, want.colour), no ? "DENIED" : "ALLOWED",
	       colour_off(want.colour), w->source, w->destination);
	print_port(t);
	for (size_t i = 0, n = 0; i < w->n_side && no; i++) {
		const Weir__V1__Side *s = w->side[i];

		if (s->judged_here && denies(s->verdict))
			printf("%s%s of %s", n++ ? " and " : "  at ", s->direction,
			       strcmp(s->direction, "egress") ? w->destination : w->source);
	}
	printf("\n  %s\n  from %s to %s\n", reason_sentence(w->reason), w->source_address, w->destination_address);
}

static void print_why(const Weir__V1__Why *w, const struct target *t)
{
	print_verdict(w, t);
	for (size_t i = 0; i < w->n_side; i++)
		print_side(w->side[i], w);
	printf("\n  last packets%s\n", w->n_last ? "" : ": none seen");
	for (size_t i = 0; i < w->n_last; i++) {
		printf("    ");
		record_print(stdout, w->last[i], want.colour);
	}
}

static int on_why(void *ctx, const Weir__V1__Reply *part)
{
	struct json_out j;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_WHY)
		return verb_fail(VERB_FAILED, "the agent answered something else");
	if (want.json) {
		json_begin(&j, stdout, true);
		json_message(&j, NULL, &part->why->base);
		json_done(&j);
	} else {
		print_why(part->why, ctx);
	}
	return denies(part->why->verdict) ? VERB_NO : VERB_OK;
}

int why_main(int argc, char **argv)
{
	Weir__V1__WhyRequest why = WEIR__V1__WHY_REQUEST__INIT;
	Weir__V1__Request ask = ASK(WHY, why, &why);
	struct complaint complaint = { 0 };
	struct verb_words words;
	struct target target;
	char source[END_SIZE];
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n != 2)
		return verb_fail(VERB_USAGE, "two words are wanted, SOURCE and DESTINATION:PORT, not %d", words.n);
	if (end_parse(words.word[0], ns, source, &complaint) || target_parse(words.word[1], ns, &target, &complaint))
		return verb_complain(VERB_USAGE, &complaint);
	why.source = source;
	why.destination = target.end;
	why.port = target.port;
	why.protocol = target.protocol;
	if (from)
		why.source_address = (char *)from;
	return ask_each(&want, &ask, ASK_WAIT_MS, on_why, &target);
}
