// SPDX-License-Identifier: Apache-2.0
/* weir config: settings of this command, read and written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config.h"
#include "tools/connect.h"
#include "tools/table.h"
#include "tools/verb.h"

static struct verb_want want;
static struct config_file file;
static char path[PATH_MAX];

static const struct opt options[] = {
	OPT_TEXT(0, "config", &connect_want.config, "FILE", "the settings file (WEIR_CONFIG, else ~/.config/weir/config.yaml)"),
	OPT_FLAG('h', "help", &want.help, "say this"),
	OPT_END
};

#define EXAMPLES \
	"  weir config set server tls://relay.example:4245\n" \
	"  weir config set tls-ca-cert-files /etc/weir/ca.crt\n" \
	"  weir config get server\n" \
	"  weir config reset\n"

static bool is_setting(const char *name)
{
	const struct opt *o = opt_find(connect_options, name);

	return o && o->text && strcmp(name, "config") && strcmp(name, "lab");
}

/* "a|b|c", for what is close to a slip. */
static void setting_names(char *out, size_t size)
{
	const struct opt *o;
	struct opt_walk w;
	size_t n = 0;

	*out = '\0';
	opt_walk(&w, connect_options);
	while ((o = opt_next(&w)))
		if (o->name && is_setting(o->name) && n < size)
			n += snprintf(out + n, size - n, "%s%s", n ? "|" : "", o->name);
}

static int no_setting(const char *name)
{
	char all[512], near[64];

	setting_names(all, sizeof(all));
	if (opt_closest_word(all, name, near, sizeof(near)))
		return verb_fail(VERB_USAGE, "no setting '%s' (did you mean '%s'?)", name, near);
	return verb_fail(VERB_USAGE, "no setting '%s' ('weir config view' lists them)", name);
}

static int begin(const struct verb_help *help, struct verb_words *words, int argc, char **argv, int least, int most)
{
	int code = verb_begin(help, &want, options, words, argc, argv);
	struct complaint why = { 0 };
	bool named;
	int err;

	if (code != VERB_GO)
		return code;
	if (words->n < least || words->n > most)
		return verb_fail(VERB_USAGE, most == least ? "so many words are wanted: %d" : "at most so many words: %d", most);
	if (words->n && !is_setting(words->word[0]))
		return no_setting(words->word[0]);
	if (!config_path(connect_want.config, path, &named))
		return verb_fail(VERB_FAILED, "neither HOME nor XDG_CONFIG_HOME says where settings are");
	err = config_read(path, &file, &why);
	return err && err != -ENOENT ? verb_complain(VERB_FAILED, &why) : VERB_GO;
}

static void take_out(const char *name)
{
	unsigned int to = 0;

	for (unsigned int i = 0; i < file.n; i++) {
		if (strcmp(file.line[i].name, name)) {
			file.line[to++] = file.line[i];
		} else {
			free(file.line[i].name);
			free(file.line[i].value);
		}
	}
	file.n = to;
}

static int save(void)
{
	struct complaint why = { 0 };

	return config_write(path, &file, &why) ? verb_complain(VERB_FAILED, &why) : VERB_OK;
}

static int set_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"config set NAME VALUE", "Writes a setting into the file; a list's values stand between commas.", "0 written", false,
		EXAMPLES, NULL
	};
	struct complaint why = { 0 };
	struct verb_words words;
	int code = begin(&help, &words, argc, argv, 2, 2);
	char *value;

	if (code != VERB_GO)
		return code;
	take_out(words.word[0]);
	for (value = strtok(words.word[1], opt_find(connect_options, words.word[0])->kind == OPT_KIND_LIST ? "," : ""); value;
	     value = strtok(NULL, ",")) {
		if (opt_set(connect_options, words.word[0], value, &why))
			return verb_complain(VERB_USAGE, &why);
		if (file.n == sizeof(file.line) / sizeof(file.line[0]))
			return verb_fail(VERB_FAILED, "the file has no room for more settings");
		file.line[file.n++] = (struct config_line){ strdup(words.word[0]), strdup(value), 0 };
	}
	return save();
}

static int reset_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"config reset [NAME]", "Takes a setting out of the file, or all of them.", "0 done", false, EXAMPLES, NULL
	};
	struct verb_words words;
	int code = begin(&help, &words, argc, argv, 0, 1);

	if (code != VERB_GO)
		return code;
	if (words.n)
		take_out(words.word[0]);
	else
		config_drop(&file);
	return save();
}

/* A setting's value and who says it: the environment goes before the file. */
static bool value_of(const char *name, char *value, size_t size, char *from, size_t from_size)
{
	const char *said;
	size_t n = 0;

	config_variable(name, from, from_size);
	said = getenv(from);
	if (said && *said) {
		snprintf(value, size, "%s", said);
		return true;
	}
	snprintf(from, from_size, "file");
	*value = '\0';
	for (unsigned int i = 0; i < file.n; i++)
		if (!strcmp(file.line[i].name, name) && n < size)
			n += snprintf(value + n, size - n, "%s%s", n ? "," : "", file.line[i].value);
	return n;
}

static int get_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"config get NAME", "Prints a setting's value, of the environment or the file.", "0 printed, 1 it is not set", false,
		EXAMPLES, NULL
	};
	char value[PATH_MAX], from[64];
	struct verb_words words;
	int code = begin(&help, &words, argc, argv, 1, 1);

	if (code != VERB_GO)
		return code;
	if (!value_of(words.word[0], value, sizeof(value), from, sizeof(from)))
		return VERB_NO;
	puts(value);
	return VERB_OK;
}

static int view_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"config view", "Prints all settings: what they are, and who says so.", "0 printed", false, EXAMPLES, NULL
	};
	char value[PATH_MAX], from[64];
	struct verb_words words;
	const struct opt *o;
	struct opt_walk w;
	struct table t;
	int code = begin(&help, &words, argc, argv, 0, 0);

	if (code != VERB_GO)
		return code;
	printf("file %s%s\n\n", path, file.n ? "" : " (no settings)");
	table_begin(&t, "SETTING", "VALUE", "SAID BY", "WHAT IT IS", NULL);
	opt_walk(&w, connect_options);
	while ((o = opt_next(&w))) {
		bool said;

		if (!o->name || !is_setting(o->name))
			continue;
		said = value_of(o->name, value, sizeof(value), from, sizeof(from));
		table_cell(&t, "%s", o->name);
		table_cell(&t, "%s", said ? value : "-");
		table_cell(&t, "%s", said ? from : "-");
		table_cell(&t, "%s", o->text);
	}
	table_end(&t, stdout);
	return VERB_OK;
}

int config_main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "view", view_main, "all settings, and who says so" },
		{ "get", get_main, "one setting" },
		{ "set", set_main, "write one" },
		{ "reset", reset_main, "forget one, or all" },
		{ NULL, NULL, NULL }
	};

	return verb_run(verbs, "weir config", "Settings of this command: whom to ask, and how.", argc, argv);
}
