// SPDX-License-Identifier: Apache-2.0
/* weir why: may A reach B, who says so, and what is nearest to another answer. */
#include <ctype.h>
#include <stdlib.h>
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
	"0 allowed, 1 denied", false,
	"  weir why shop/cart shop/database:5432\n"
	"  weir why shop/web 203.0.113.7:53/udp\n"
	"  weir why -n shop cart '[fd00::7]:443'\n",
	NULL
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
		/* of what passed, the default that let it */
		print_line("because", !strcmp(s->reason, "allowed") && *s->rule_text ? s->rule_text : reason_sentence(s->reason));
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

/* The world says little: its address says who it is. */
static const char *end_name(const char *name, const char *address)
{
	return strcmp(name, "world") ? name : address;
}

static const char *subject_of(const Weir__V1__Side *s, const Weir__V1__Why *w)
{
	return strcmp(s->direction, "egress") ? end_name(w->destination, w->destination_address) :
						end_name(w->source, w->source_address);
}

static void print_side(const Weir__V1__Side *s, const Weir__V1__Why *w)
{
	const char *subject = subject_of(s, w);
	bool no = denies(s->verdict);
	char text[512];

	if (!s->judged_here) {
		printf("\n  %s of %s: not judged here (%s)\n", s->direction, subject,
		       strchr(subject, '/') ? "ask the agent of its node" : "no pod");
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

/* "DENIED at ingress of shop/db" before all else; a yes of half the sides says whose word is missing. */
static void print_verdict(const Weir__V1__Why *w, const struct target *t)
{
	bool no = denies(w->verdict);

	printf("%s%s%s  %s -> %s", colour_on(no ? COLOUR_BAD : COLOUR_GOOD, want.colour), no ? "DENIED" : "ALLOWED",
	       colour_off(want.colour), end_name(w->source, w->source_address),
	       end_name(w->destination, w->destination_address));
	print_port(t);
	for (size_t i = 0, n = 0; i < w->n_side && no; i++) {
		const Weir__V1__Side *s = w->side[i];

		if (s->judged_here && denies(s->verdict))
			printf("%s%s of %s", n++ ? " and " : "  at ", s->direction,
			       strcmp(s->direction, "egress") ? w->destination : w->source);
	}
	for (size_t i = 0; i < w->n_side && !no; i++)
		if (!w->side[i]->judged_here && strchr(subject_of(w->side[i], w), '/'))
			printf(", as far as this node judges: %s of %s is judged elsewhere", w->side[i]->direction,
			       subject_of(w->side[i], w));
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

static int print_answer(const Weir__V1__Why *w, const struct target *t)
{
	struct json_out j;

	if (want.json) {
		json_begin(&j, stdout, true);
		json_message(&j, NULL, &w->base);
		json_done(&j);
	} else {
		print_why(w, t);
	}
	return denies(w->verdict) ? VERB_NO : VERB_OK;
}

/* The sides that the other node judged, and its no. */
static void merge(Weir__V1__Why *w, Weir__V1__Why *other)
{
	for (size_t i = 0; i < w->n_side && i < other->n_side; i++) {
		Weir__V1__Side *s = other->side[i];

		if (w->side[i]->judged_here || !s->judged_here || strcmp(w->side[i]->direction, s->direction))
			continue;
		other->side[i] = w->side[i];
		w->side[i] = s;
	}
	if (!denies(w->verdict) && denies(other->verdict)) {
		char *verdict = w->verdict, *reason = w->reason;

		w->verdict = other->verdict;
		w->reason = other->reason;
		other->verdict = verdict;
		other->reason = reason;
	}
}

static int keep(void *ctx, const Weir__V1__Reply *part)
{
	Weir__V1__Why **kept = ctx, *w;
	uint8_t *data;
	size_t size;

	if (part->answer_case != WEIR__V1__REPLY__ANSWER_WHY)
		return verb_fail(VERB_FAILED, "the agent answered something else");
	size = weir__v1__why__get_packed_size(part->why);
	data = malloc(size + 1);
	if (!data)
		return verb_fail(VERB_FAILED, "no memory");
	weir__v1__why__pack(part->why, data);
	w = weir__v1__why__unpack(NULL, size, data);
	free(data);
	if (!w || !*kept) {
		*kept = w;
		return VERB_GO;
	}
	merge(*kept, w);	/* a relay hands on what each node said */
	weir__v1__why__free_unpacked(w, NULL);
	return VERB_GO;
}

/* Of a lab with several nodes each judges its own side: both are asked, so that the answer is whole. */
static int ask_both(const Weir__V1__Request *ask, const struct target *t)
{
	struct verb_want there = want;
	Weir__V1__Why *w = NULL, *other = NULL;
	char server[2][PATH_MAX];
	int code;

	ask_node_of(&want, ask->why->source, server[0]);
	ask_node_of(&there, t->end, server[1]);
	if (!want.server)
		want.server = there.server;
	code = ask_each(&want, ask, ASK_WAIT_MS, keep, &w);
	if (code == VERB_OK && there.server && strcmp(there.server, want.server))
		code = ask_each(&there, ask, ASK_WAIT_MS, keep, &other);
	if (code == VERB_OK && w) {
		if (other)
			merge(w, other);
		code = print_answer(w, t);
	}
	weir__v1__why__free_unpacked(w, NULL);
	weir__v1__why__free_unpacked(other, NULL);
	return code;
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
	return ask_both(&ask, &target);
}
