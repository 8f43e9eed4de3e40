// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/export_ask.h"
#include "lib/wire/json.h"
#include "lib/word.h"
#include "proto/flow/flow.pb-c.h"
#include "proto/observer/observer.pb-c.h"

#define PATHS 128

/* Puts the option's name before what is wrong with its value, which began behind so many bytes of ours. */
static void blame(struct complaint *why, const char *option, unsigned int ours)
{
	char text[sizeof(why->text)], place[32] = "";

	if (why->column > ours)
		snprintf(place, sizeof(place), "column %u: ", why->column - (why->line > 1 ? 0 : ours));
	snprintf(text, sizeof(text), "%s: %s%.*s", option, place, (int)sizeof(text) - 96, why->text);
	complaint_set(why, 0, 0, "%s", text);
}

/* A list, or one filter: as the list of a request, whose reader knows how. */
static int read_filters(const char *json, Observer__GetFlowsRequest **out, const char *option, struct complaint *why)
{
	const char *inner = json ?: "[]";
	bool list = inner[strspn(inner, " \t\r\n")] == '[';
	const char *before = list ? "{\"whitelist\":" : "{\"whitelist\":[";
	ProtobufCMessage *m;
	char *text;
	int n, err;

	n = asprintf(&text, "%s%s%s", before, inner, list ? "}" : "]}");
	if (n < 0)
		return -ENOMEM;
	err = wire_json_read(text, (size_t)n, &observer__get_flows_request__descriptor, &m, NULL, why);
	free(text);
	if (err == -EINVAL)
		blame(why, option, (unsigned int)strlen(before));
	if (!err)
		*out = (Observer__GetFlowsRequest *)m;
	return err;
}

static int make_filters(struct export_ask *a, const struct export_options *o, struct complaint *why)
{
	Observer__GetFlowsRequest *allow = NULL, *deny = NULL;
	int err = read_filters(o->allow, &allow, "--export-allow", why);

	if (!err)
		err = read_filters(o->deny, &deny, "--export-deny", why);
	if (!err && (o->allow || o->deny)) {
		err = filters_new(&a->filters, allow->whitelist, allow->n_whitelist, deny->whitelist, deny->n_whitelist, why);
		if (err == -EINVAL)
			blame(why, "--export-allow, --export-deny", 0);
	}
	if (allow)
		observer__get_flows_request__free_unpacked(allow, NULL);
	if (deny)
		observer__get_flows_request__free_unpacked(deny, NULL);
	return err;
}

static int make_mask(struct wire_mask **out, const char *fields, const char *option, struct complaint *why)
{
	char *paths[PATHS], *text = fields ? strdup(fields) : NULL;
	size_t n;
	int err;

	*out = NULL;
	if (!fields)
		return 0;
	if (!text)
		return -ENOMEM;
	n = word_split(text, paths, PATHS);
	err = wire_mask_new(out, paths, n, why);
	if (!err && !*out) {
		complaint_set(why, 0, 0, "names no field");
		err = -EINVAL;
	}
	free(text);
	if (err == -EINVAL)
		blame(why, option, 0);
	return err;
}

int export_ask_read(struct export_ask *a, const struct export_options *o, struct complaint *why)
{
	int err;

	memset(a, 0, sizeof(*a));
	if (o->fields && o->fold) {
		complaint_set(why, 0, 0, "--export-fields and --export-fold: folded flows have the fields they are folded by");
		return -EINVAL;
	}
	err = make_filters(a, o, why);
	if (!err)
		err = make_mask(&a->fields, o->fields, "--export-fields", why);
	if (!err && !a->fields && !o->detail)
		err = wire_mask_without_detail(&a->fields);
	if (!err)
		err = make_mask(&a->fold, o->fold, "--export-fold", why);
	if (err)
		export_ask_free(a);
	return err;
}

void export_ask_free(struct export_ask *a)
{
	filters_free(a->filters);
	wire_mask_free(a->fields);
	wire_mask_free(a->fold);
	memset(a, 0, sizeof(*a));
}

int export_check(const struct export_options *options, struct complaint *why)
{
	struct export_ask a;
	int err;

	if (!options->file)
		return 0;
	err = export_ask_read(&a, options, why);
	if (!err)
		export_ask_free(&a);
	return err;
}
