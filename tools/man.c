// SPDX-License-Identifier: Apache-2.0
/* weir man: the manual pages, which the build writes to files. */
#include <stdlib.h>
#include <string.h>

#include "lib/man.h"
#include "tools/verb.h"


static const struct man_item files[] = {
	{ "/run/weir/observer.sock", "where this node's agent answers by gRPC" },
	{ "/run/weir/agent.sock", "where it answers questions about the node" },
	{ "~/.config/weir/config.yaml", "settings: whom to ask, and how; 'weir config' changes them" },
	{ NULL, NULL }
};

/* Of weir itself: what each verb is, and of those that hold others, which. */
static struct man_item *verb_items(const struct verb *verbs, const char *of)
{
	struct man_item *items;
	unsigned int n = 0;

	while (verbs[n].name)
		n++;
	items = calloc(n + 1, sizeof(*items));
	n = 0;
	for (const struct verb *v = verbs; v->name && items; v++) {
		char *term;

		if (!v->text || asprintf(&term, "%s%s", of, v->name) < 0)
			continue;
		items[n].term = term;
		items[n++].text = v->text;
	}
	return items;
}

static void drop_items(struct man_item *items)
{
	for (struct man_item *i = items; i && i->term; i++)
		free((char *)i->term);
	free(items);
}

static int write_weir(void)
{
	struct man_item *items = verb_items(weir_verbs, "");
	int err = man_write(&(struct man){
		.name = "weir", .section = 1, .version = WEIR_VERSION, .what = "default-deny network policy by eBPF: ask, see, check",
		.usage = "weir VERB [OPTION...] ...",
		.text = "weir asks the agents of nodes, or the relay of a cluster, what passes, what does not, and why; checks policies; and "
			"makes clusters of network namespaces on one machine to try them in.\n\n"
			"Every verb says more with --help, and has a page of its own: weir-observe(1).",
		.list = "VERBS", .items = items,
		.exits = "0 it went well, 1 the answer is no: denied, nothing matched, rejected, 2 wrong usage, "
			"3 no server reached, 4 it refused, or something on this machine failed, 5 what was asked for is incomplete",
		.files = files, .see = "weir-observe(1), weir-agent(8), weir-relay(8)",
	}, stdout);

	drop_items(items);
	return err;
}

static const char *text_of(const char *name)
{
	for (const struct verb *v = weir_verbs; v->name; v++)
		if (!strcmp(v->name, name) && v->text)
			return v->text;
	return NULL;
}

static int write_verb(const struct verb *v)
{
	struct verb_described d;
	struct man_item *items = NULL;
	char name[64], usage[256], *exits = NULL, of[32];
	int err;

	verb_describe(v, &d);
	snprintf(name, sizeof(name), "weir-%s", v->name);
	snprintf(of, sizeof(of), "%s ", v->name);
	if (d.help)
		snprintf(usage, sizeof(usage), "weir %s", d.help->usage);
	else
		snprintf(usage, sizeof(usage), "weir %s VERB [OPTION...] ...", v->name);
	if (d.verbs)
		items = verb_items(d.verbs, of);
	if (d.help && asprintf(&exits, "%s, %s", d.help->exits, VERB_EXITS) < 0)
		exits = NULL;
	err = man_write(&(struct man){
		.name = name, .section = 1, .version = WEIR_VERSION, .what = text_of(v->name), .usage = usage,
		.text = d.help ? d.help->text : "Each of the verbs below says more with --help.", .options = d.options,
		.list = "VERBS", .items = items, .exits = exits, .examples = d.help ? d.help->examples : NULL,
		.files = d.help ? files : NULL, .see = "weir(1), weir-agent(8), weir-relay(8)",
	}, stdout);
	free(exits);
	drop_items(items);
	return err;
}

int man_main(int argc, char **argv)
{
	static struct verb_want want;
	static const struct opt options[] = { OPT_FLAG('h', "help", &want.help, "say this"), OPT_END };
	static const struct verb_help help = {
		"man [VERB]",
		"Writes a manual page, as roff: of weir, or of one of its verbs.",
		"0 written", false,
		"  weir man observe | man -l -\n", NULL
	};
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (!words.n)
		return write_weir() ? VERB_FAILED : VERB_OK;
	for (const struct verb *v = weir_verbs; v->name; v++)
		if (!strcmp(v->name, words.word[0]) && v->text)
			return write_verb(v) ? VERB_FAILED : VERB_OK;
	return verb_fail(VERB_USAGE, "no verb '%s'", words.word[0]);
}
