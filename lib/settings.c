// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/settings.h"
#include "lib/tree.h"

#define FILE_SIZE 65536			/* the most a settings file may have */

/* One setting that was not an argument. */
static int apply(const struct settings_form *form, const char *name, const char *value, struct complaint *why)
{
	const struct opt *o = opt_find(form->options, name);
	char *kept = strdup(value);	/* for the life of the process: the settings point into it */

	if (!kept)
		return -ENOMEM;
	if (!o) {
		free(kept);
		/* as an argument would be answered: with the closest one */
		if (asprintf(&kept, "--%s=%s", name, value) < 0)
			return -ENOMEM;
		opt_parse(form->options, 1, &kept, why);
		return -EINVAL;
	}
	if (o->kind == OPT_KIND_FLAG && strcmp(value, "true") && strcmp(value, "false")) {
		complaint_set(why, 0, 0, "'%s' is true or false, not '%s'", name, value);
		return -EINVAL;
	}
	return opt_set(form->options, name, kept, why) < 0 ? -EINVAL : 0;
}

static bool only_argument(const struct settings_form *form, const char *name)
{
	for (const char *const *a = form->arguments; *a; a++)
		if (!strcmp(*a, name))
			return true;
	return false;
}

static int apply_value(const struct settings_form *form, const char *name, const struct tree_node *value,
		       struct complaint *why)
{
	const struct opt *o = opt_find(form->options, name);
	int err = 0;

	if (value->kind == TREE_SCALAR)
		return apply(form, name, value->text, why);
	if (!o || o->kind != OPT_KIND_LIST || value->kind != TREE_LIST) {
		complaint_set(why, 0, 0, "'%s' has one value, a word or a number", name);
		return -EINVAL;
	}
	for (const struct tree_node *item = value->first; item && !err; item = item->next) {
		if (item->kind == TREE_SCALAR) {
			err = apply(form, name, item->text, why);
			continue;
		}
		complaint_set(why, 0, 0, "'%s' is a list of words", name);
		err = -EINVAL;
	}
	return err;
}

static int apply_pair(const struct settings_form *form, const struct tree_node *key, const char *file,
		      struct complaint *why)
{
	int err;

	if (only_argument(form, key->text)) {
		complaint_set(why, 0, 0, "'%s' is no setting of a file: give it as an argument", key->text);
		err = -EINVAL;
	} else {
		err = apply_value(form, key->text, key->next, why);
	}
	if (err) {
		why->line = key->line;
		why->column = key->column;
		complaint_file(why, file);
	}
	return err;
}

static int read_file(const char *file, char *text, size_t *size, struct complaint *why)
{
	FILE *f = fopen(file, "re");
	int err = f ? 0 : -errno;

	if (f) {
		*size = fread(text, 1, FILE_SIZE, f);
		err = ferror(f) ? -EIO : *size == FILE_SIZE ? -EFBIG : 0;
		fclose(f);
	}
	if (err)
		complaint_set(why, 0, 0, "cannot read '%s': %s", file, strerror(-err));
	return err;
}

static int apply_file(const struct settings_form *form, const char *file, struct complaint *why)
{
	struct tree_source source = { .line = 1 };
	const struct tree_node *root, *key;
	char *text = malloc(FILE_SIZE);
	struct tree *t = NULL;
	size_t size = 0;
	int err = text ? read_file(file, text, &size, why) : -ENOMEM;

	if (!err)
		err = tree_new(&t, NULL);
	if (err) {
		free(text);
		return err;
	}
	source.at = text;
	source.end = text + size;
	err = tree_next(t, &source, &root, why);
	if (err < 0)
		complaint_file(why, file);
	if (err == 1 && root->kind != TREE_MAP && !tree_null(root)) {
		complaint_set(why, root->line, root->column, "settings are a map: '%s'", form->example);
		complaint_file(why, file);
		err = -EINVAL;
	}
	for (key = err == 1 && root->kind == TREE_MAP ? root->first : NULL; key && err >= 0; key = tree_after(key))
		err = apply_pair(form, key, file, why);
	tree_free(t);
	free(text);
	return err < 0 ? err : 0;
}

static void variable(const struct settings_form *form, const char *option, char *name, size_t size)
{
	int n = snprintf(name, size, "%s%s", form->prefix, option);

	for (int i = 0; i < n && i < (int)size; i++)
		name[i] = name[i] == '-' ? '_' : toupper((unsigned char)name[i]);
}

static int apply_variable(const struct settings_form *form, const struct opt *o, const char *value, struct complaint *why)
{
	char *list = strdup(value), *rest = list, *item;
	int err = list ? 0 : -ENOMEM;

	if (!err && o->kind != OPT_KIND_LIST)
		err = apply(form, o->name, value, why);
	else
		while (!err && (item = strsep(&rest, ",")))
			err = *item ? apply(form, o->name, item, why) : 0;
	free(list);
	return err;
}

static int apply_environment(const struct settings_form *form, struct complaint *why)
{
	struct opt_walk w;
	const struct opt *o;
	char name[64];
	int err = 0;

	opt_walk(&w, form->options);
	while (!err && (o = opt_next(&w))) {
		const char *value;

		if (!o->name || !o->text || only_argument(form, o->name))
			continue;
		variable(form, o->name, name, sizeof(name));
		value = getenv(name);
		if (value)
			err = apply_variable(form, o, value, why);
		if (err)
			complaint_file(why, name);
	}
	return err;
}

int settings_gather(const struct settings_form *form, int argc, char **argv, struct complaint *why)
{
	const char *config;
	char name[64];
	int err;

	form->defaults();
	err = opt_parse(form->options, argc - 1, argv + 1, why);
	if (err < 0)
		return err;
	if (err < argc - 1) {
		complaint_set(why, 0, 0, "'%s' is no option (--help lists them)", argv[err + 1]);
		return -EINVAL;
	}
	variable(form, "config", name, sizeof(name));
	config = *form->config ? *form->config : getenv(name);
	form->defaults();
	err = config ? apply_file(form, config, why) : 0;
	if (!err)
		err = apply_environment(form, why);
	if (!err)
		opt_parse(form->options, argc - 1, argv + 1, why);
	return err;
}

int settings_word(const char *setting, const char *value, const char *const *words, unsigned int *out,
		  struct complaint *why)
{
	char list[256];
	size_t n = 0;

	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(words[i], value)) {
			*out = i;
			return 0;
		}
		n += snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", words[i]);
	}
	complaint_set(why, 0, 0, "'--%s' is one of %s, not '%s'", setting, list, value);
	return -EINVAL;
}

int settings_mode(const char *setting, const char *value, unsigned int *out, struct complaint *why)
{
	char *end;

	*out = strtoul(value, &end, 8);
	if (!*end && *value && *out <= 0777)
		return 0;
	complaint_set(why, 0, 0, "'--%s' is an octal number such as 0660, not '%s'", setting, value);
	return -EINVAL;
}
