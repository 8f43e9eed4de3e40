// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter/explain.h"
#include "lib/wire/json.h"
#include "lib/wire/mask.h"
#include "observer/observer.pb-c.h"
#include "lib/select/select_inside.h"
#include "lib/select/when.h"
#include "weir/v1/agent.pb-c.h"

#define OPTIONS_URL "type.googleapis.com/weir.v1.FlowsOptions"

static int check_numbers(const struct select_given *g, struct complaint *why);
static int take_lists(struct select *s, const struct select_given *g, struct complaint *why);
static int take_times(struct select *s, const struct select_given *g, uint64_t now, struct complaint *why);
static int take_mask(struct select *s, const struct select_given *g, struct complaint *why);
static int unmask_authors(struct select *s);
static int take_authors(struct select *s, const struct select_given *g, struct complaint *why);

static int fill(struct select *s, const struct select_given *g, uint64_t now, struct complaint *why)
{
	int err = check_numbers(g, why);

	if (err)
		return err;
	s->ask = malloc(sizeof(*s->ask));
	if (!s->ask)
		return -ENOMEM;
	observer__get_flows_request__init(s->ask);
	s->input = g->input;
	s->follow = g->follow;
	s->ask->follow = g->follow;
	s->raw = g->raw;
	s->explain = g->explain;
	s->ends = s->raw || s->explain;
	s->default_masks = g->default_masks;
	return take_lists(s, g, why) ?: take_times(s, g, now, why) ?: take_authors(s, g, why) ?: take_mask(s, g, why);
}

static void forget(struct select_given *g)
{
	free(g->given);
	free(g->mask);
	free(g->allow);
	free(g->deny);
	*g = (struct select_given){ .default_masks = true };
}

int select_done(struct select **out, uint64_t now, struct complaint *why)
{
	struct select *s = calloc(1, sizeof(*s));
	int err = s ? fill(s, &select_given, now, why) : -ENOMEM;

	if (err == -ENOMEM)
		complaint_set(why, 0, 0, "no memory");
	forget(&select_given);
	if (err) {
		select_free(s);
		return err;
	}
	*out = s;
	return 0;
}

int select_refuse(const char *option, const char *text, struct complaint *why)
{
	complaint_set(why, 0, 0, "option '--%s': %.400s", option, text);
	return -EINVAL;
}

void select_free(struct select *s)
{
	if (!s)
		return;
	if (s->ask)
		observer__get_flows_request__free_unpacked(s->ask, NULL);
	filters_free(s->filters);
	free(s);
}

/* What contradicts what, in the order in which it is asked. */
static int check_numbers(const struct select_given *g, struct complaint *why)
{
	bool first = g->first_said && g->first, last = g->last_said && g->last;
	const struct {
		bool wrong;
		const char *text;
	} rows[] = {
		{ g->not, "'--not' stands last: it negates the filter behind it" },
		{ first && last, "'--first' and '--last' contradict each other: the oldest or the newest" },
		{ first && g->all, "'--first' and '--all' contradict each other" },
		{ last && g->all, "'--last' and '--all' contradict each other" },
		{ first && g->follow, "'--first' and '--follow' contradict each other: the oldest, or what comes" },
		{ g->until && g->follow, "'--until' and '--follow' contradict each other: what comes has no end" },
		{ g->input && g->follow, "'--input-file' and '--follow' contradict each other: a file is read to its end" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].wrong)
			continue;
		complaint_set(why, 0, 0, "%s", rows[i].text);
		return -EINVAL;
	}
	return 0;
}

/* Filters as they are: of the options; if there are none, of a variable, ours before Hubble's. */
static int add_raw(struct select_list *list, const char *option, const char *const *json, unsigned int n,
		   struct complaint *why)
{
	bool allow = !strcmp(option, "allowlist");
	const char *ours = getenv(allow ? "WEIR_ALLOWLIST" : "WEIR_DENYLIST");
	const char *theirs = getenv(allow ? "HUBBLE_ALLOWLIST" : "HUBBLE_DENYLIST"), *said = ours ? ours : theirs;
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++)
		err = select_add_json(list, option, json[i], why);
	return n || !said ? err : select_add_json(list, option, said, why);
}

static int take_lists(struct select *s, const struct select_given *g, struct complaint *why)
{
	struct select_list white = { 0 }, black = { 0 };
	int err = select_build(g, false, &white, why) ?: select_build(g, true, &black, why);

	err = err ?: add_raw(&white, "allowlist", g->allow, g->allows, why) ?:
	      add_raw(&black, "denylist", g->deny, g->denies, why);
	s->ask->whitelist = white.filter;
	s->ask->n_whitelist = white.n;
	s->ask->blacklist = black.filter;
	s->ask->n_blacklist = black.n;
	return err ?: filters_new(&s->filters, white.filter, white.n, black.filter, black.n, why);
}

static int take_time(const char *option, const char *text, uint64_t now, uint64_t *out,
		     Google__Protobuf__Timestamp **to, struct complaint *why)
{
	struct complaint wrong;

	if (!text)
		return 0;
	if (when_parse(text, now, out, &wrong))
		return select_refuse(option, wrong.text, why);
	*to = malloc(sizeof(**to));
	if (!*to)
		return -ENOMEM;
	google__protobuf__timestamp__init(*to);
	(*to)->seconds = *out / 1000000000;
	(*to)->nanos = *out % 1000000000;
	return 0;
}

static int take_times(struct select *s, const struct select_given *g, uint64_t now, struct complaint *why)
{
	int err = take_time("since", g->since, now, &s->since, &s->ask->since, why) ?:
		  take_time("until", g->until, now, &s->until, &s->ask->until, why);

	if (err)
		return err;
	if (s->since && s->until && s->since > s->until) {
		complaint_set(why, 0, 0, "'--since %s' is later than '--until %s'", g->since, g->until);
		return -EINVAL;
	}
	if (g->first_said && g->first) {
		s->ask->first = true;
		s->ask->number = g->first;
	} else if (g->all) {
		s->ask->number = UINT64_MAX;
	} else if (g->last_said && g->last) {
		s->ask->number = g->last;
	} else if (!g->follow && !g->since && !g->until && !g->input) {
		s->ask->number = SELECT_LAST;
	}
	return 0;
}

/* "a,b" and "c" into one mask. */
static int add_paths(Google__Protobuf__FieldMask *mask, const char *text)
{
	for (; *text; text += strcspn(text, ",") + (text[strcspn(text, ",")] == ',')) {
		size_t length = strcspn(text, ",");
		char **more, *path;

		text += strspn(text, " ");
		length = strcspn(text, ", ");
		if (!length)
			continue;
		more = realloc(mask->paths, (mask->n_paths + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		mask->paths = more;
		path = strndup(text, length);
		if (!path)
			return -ENOMEM;
		more[mask->n_paths++] = path;
	}
	return 0;
}

static int new_mask(struct select *s)
{
	s->ask->field_mask = malloc(sizeof(*s->ask->field_mask));
	if (!s->ask->field_mask)
		return -ENOMEM;
	google__protobuf__field_mask__init(s->ask->field_mask);
	return 0;
}

static int take_mask(struct select *s, const struct select_given *g, struct complaint *why)
{
	struct wire_mask *mask = NULL;
	struct complaint wrong;
	int err = g->masks ? new_mask(s) : 0;

	for (unsigned int i = 0; i < g->masks && !err; i++)
		err = add_paths(s->ask->field_mask, g->mask[i]);
	if (err || !g->masks)
		return err;
	s->masked = true;
	err = wire_mask_new(&mask, s->ask->field_mask->paths, s->ask->field_mask->n_paths, &wrong);
	wire_mask_free(mask);
	if (err == -EINVAL)
		return select_refuse("field-mask", wrong.text, why);
	return err ?: unmask_authors(s);
}

/* What select_pass() looks at. */
static int unmask_authors(struct select *s)
{
	if (!s->authors)
		return 0;
	return add_paths(s->ask->field_mask,
			 "extensions,egress_allowed_by,ingress_allowed_by,egress_denied_by,ingress_denied_by");
}

int select_mask(struct select *s, const char *const *path, size_t n)
{
	int err = 0;

	if (s->masked || !s->default_masks)
		return 0;
	if (!s->ask->field_mask)
		err = new_mask(s);
	for (size_t i = 0; i < n && !err; i++)
		err = add_paths(s->ask->field_mask, path[i]);
	return err ?: unmask_authors(s);
}

static int pack_options(struct select *s, const Weir__V1__FlowsOptions *options)
{
	Google__Protobuf__Any *any = malloc(sizeof(*any));

	if (!any)
		return -ENOMEM;
	google__protobuf__any__init(any);
	s->ask->extensions = any;
	any->type_url = strdup(OPTIONS_URL);
	any->value.len = weir__v1__flows_options__get_packed_size(options);
	any->value.data = malloc(any->value.len + 1);
	if (!any->type_url || !any->value.data)
		return -ENOMEM;
	weir__v1__flows_options__pack(options, any->value.data);
	return 0;
}

/* The extensions ask for weir's detail in each flow.  Policies and rules go there as well, and are looked at here, too:
 * Hubble's server does not know them. */
static int take_authors(struct select *s, const struct select_given *g, struct complaint *why)
{
	Weir__V1__FlowsOptions options = WEIR__V1__FLOWS_OPTIONS__INIT;
	char *policy[GIVEN_MOST];
	uint32_t rule[GIVEN_MOST];
	int err;

	for (unsigned int i = 0; i < g->n; i++) {
		if (g->given[i].choice->how == HOW_POLICY)
			policy[options.n_policy++] = (char *)g->given[i].value;
		else if (g->given[i].choice->how == HOW_RULE)
			rule[options.n_rule++] = strtoul(g->given[i].value, NULL, 10);
	}
	options.detail = true;
	s->authors = options.n_policy;
	if (!options.n_policy && !options.n_rule)
		return pack_options(s, &options);
	if (!options.n_policy) {
		complaint_set(why, 0, 0, "'--rule' says which rule of a policy: '--policy' is missing");
		return -EINVAL;
	}
	options.policy = policy;
	options.rule = rule;
	err = filters_authors(s->filters, policy, options.n_policy, rule, options.n_rule, why);
	return err ?: pack_options(s, &options);
}

bool select_pass(const struct select *s, const struct flow *flow)
{
	return !s->authors || filters_pass(s->filters, flow);
}

/* 'text' in single quotes of YAML. */
static void quote(FILE *to, const char *text)
{
	fputc('\'', to);
	for (; *text; text++)
		fprintf(to, *text == '\'' ? "''" : "%c", *text);
	fputs("'\n", to);
}

static void print_list(FILE *to, const char *name, Flow__FlowFilter *const *list, size_t n)
{
	if (n)
		fprintf(to, "%s:\n", name);
	for (size_t i = 0; i < n; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *memory = open_memstream(&text, &size);
		struct json_out j;

		if (!memory)
			return;
		json_begin(&j, memory, false);
		wire_json(&j, NULL, &list[i]->base);
		json_done(&j);
		fclose(memory);
		text[strcspn(text, "\n")] = 0;
		fputs("    - ", to);
		quote(to, text);
		free(text);
	}
}

static int print_sentence(const struct select *s, FILE *to)
{
	const Observer__GetFlowsRequest *ask = s->ask;
	char *text = filters_explain(ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist);
	Weir__V1__FlowsOptions *options = NULL;

	if (!text)
		return -ENOMEM;
	fputs(text, to);
	free(text);
	if (ask->extensions)
		options = weir__v1__flows_options__unpack(NULL, ask->extensions->value.len, ask->extensions->value.data);
	for (size_t i = 0; options && i < options->n_policy; i++)
		fprintf(to, "%s%s", i ? " or " : ", of those that are the doing of policy ", options->policy[i]);
	for (size_t i = 0; options && i < options->n_rule; i++)
		fprintf(to, "%s%u", i ? " or " : ", rule ", options->rule[i]);
	weir__v1__flows_options__free_unpacked(options, NULL);
	fputc('\n', to);
	return 0;
}

int select_print(const struct select *s, FILE *to)
{
	const Observer__GetFlowsRequest *ask = s->ask;

	if (s->explain && print_sentence(s, to))
		return -ENOMEM;
	if (s->raw && !ask->n_whitelist && !ask->n_blacklist)
		fputs("{}\n", to);
	else if (s->raw) {
		print_list(to, "allowlist", ask->whitelist, ask->n_whitelist);
		print_list(to, "denylist", ask->blacklist, ask->n_blacklist);
	}
	return fflush(to) ? -EIO : 0;
}
