// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/json_write.h"
#include "lib/tree.h"
#include "tools/config.h"
#include "tools/files.h"

/* The value of --config, which is looked for before options are read. */
static const char *argument(int argc, char **argv, const char *name)
{
	size_t n = strlen(name);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) || strncmp(argv[i] + 2, name, n))
			continue;
		if (argv[i][2 + n] == '=')
			return argv[i] + 3 + n;
		if (!argv[i][2 + n])
			return i + 1 < argc ? argv[i + 1] : "";
	}
	return NULL;
}

/* Options go before variables and files; --lab says whom to ask as --server does. */
static bool is_said(int argc, char **argv, const char *name)
{
	return argument(argc, argv, name) || (!strcmp(name, "server") && argument(argc, argv, "lab"));
}

bool config_path(const char *said, char path[PATH_MAX], bool *named)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	int n;

	if (!said)
		said = getenv("WEIR_CONFIG");
	*named = said && *said;
	if (*named)
		n = snprintf(path, PATH_MAX, "%s", said);
	else if (xdg && *xdg)
		n = snprintf(path, PATH_MAX, "%s/weir/config.yaml", xdg);
	else if (home && *home)
		n = snprintf(path, PATH_MAX, "%s/.config/weir/config.yaml", home);
	else
		return false;
	return n < PATH_MAX;
}

static int too_many(struct complaint *why, unsigned int line)
{
	complaint_set(why, line, 0, "more settings than %zu", sizeof(((struct config_file *)0)->line) / sizeof(struct config_line));
	return -E2BIG;
}

static int add_line(struct config_file *f, const struct tree_node *key, const struct tree_node *value, struct complaint *why)
{
	if (value->kind != TREE_SCALAR) {
		complaint_set(why, value->line, value->column, "'%s' has one value, a word or a number", key->text);
		return -EINVAL;
	}
	if (f->n == sizeof(f->line) / sizeof(f->line[0]))
		return too_many(why, key->line);
	f->line[f->n].name = strdup(key->text);
	f->line[f->n].value = strdup(value->text);
	f->line[f->n].line = key->line;
	if (!f->line[f->n].name || !f->line[f->n].value)
		return -ENOMEM;
	f->n++;
	return 0;
}

/* name: value, or name: [value, value] */
static int add_key(struct config_file *f, const struct tree_node *key, struct complaint *why)
{
	const struct tree_node *value = key->next;
	int err = 0;

	if (value->kind != TREE_LIST)
		return add_line(f, key, value, why);
	for (value = value->first; value && !err; value = value->next)
		err = add_line(f, key, value, why);
	return err;
}

static int read_text(char *text, size_t size, struct config_file *out, struct complaint *why)
{
	struct tree_source source = { text, text + size, 1 };
	const struct tree_node *root;
	struct tree *t;
	int err = tree_new(&t, NULL);

	if (err)
		return err;
	err = tree_next(t, &source, &root, why);
	if (err == 1 && root->kind != TREE_MAP && !tree_null(root)) {
		complaint_set(why, root->line, root->column, "settings are a map: 'server: relay.example:4245'");
		err = -EINVAL;
	}
	for (const struct tree_node *key = err == 1 && root->kind == TREE_MAP ? root->first : NULL; key && err >= 0; key = tree_after(key))
		err = add_key(out, key, why);
	tree_free(t);
	return err < 0 ? err : 0;
}

int config_read(const char *path, struct config_file *out, struct complaint *why)
{
	char *text;
	size_t size;
	int err;

	memset(out, 0, sizeof(*out));
	err = file_read(path, &text, &size);
	if (err) {
		complaint_set(why, 0, 0, "cannot read '%s': %s", path, strerror(-err));
		return err;
	}
	err = read_text(text, size, out, why);
	free(text);
	if (err) {
		complaint_file(why, path);
		config_drop(out);
	}
	return err;
}

void config_drop(struct config_file *f)
{
	for (unsigned int i = 0; i < f->n; i++) {
		free(f->line[i].name);
		free(f->line[i].value);
	}
	f->n = 0;
}

static void make_dirs(const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(dir, 0700);
		*slash = '/';
	}
}

/* A word that YAML might take for something else stands in quotes. */
static void put_scalar(FILE *to, const char *value)
{
	bool plain = isalnum((unsigned char)*value) || *value == '/';

	for (const char *c = value; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("/.-_", *c));
	if (plain)
		fputs(value, to);
	else
		json_quote(to, value);
}

int config_write(const char *path, const struct config_file *f, struct complaint *why)
{
	char *text = NULL, part[PATH_MAX + 16];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int err = -ENOMEM;

	for (unsigned int i = 0; to && i < f->n; i++) {
		bool again = i && !strcmp(f->line[i - 1].name, f->line[i].name);
		bool list = again || (i + 1 < f->n && !strcmp(f->line[i + 1].name, f->line[i].name));

		if (!again)
			fprintf(to, list ? "%s:\n" : "%s: ", f->line[i].name);
		fputs(list ? "- " : "", to);
		put_scalar(to, f->line[i].value);
		fputc('\n', to);
	}
	if (to && fclose(to) == 0) {
		make_dirs(path);
		snprintf(part, sizeof(part), "%s.new", path);
		err = file_write(part, text, size);
		if (!err && rename(part, path) < 0)
			err = -errno;
	}
	free(text);
	if (err)
		complaint_set(why, 0, 0, "cannot write '%s': %s", path, strerror(-err));
	return err;
}

void config_variable(const char *name, char *out, size_t size)
{
	int n = snprintf(out, size, "WEIR_%s", name);

	for (int i = 0; i < n && i < (int)size; i++)
		out[i] = out[i] == '-' ? '_' : toupper((unsigned char)out[i]);
}

static int apply_file(int argc, char **argv, const struct opt *options, struct complaint *why)
{
	static struct config_file file;		/* its values are pointed at as long as the program runs */
	char path[PATH_MAX], known[64];
	bool named;
	int err;

	if (!config_path(argument(argc, argv, "config"), path, &named))
		return 0;
	err = config_read(path, &file, why);
	if (err == -ENOENT && !named) {
		memset(why, 0, sizeof(*why));
		return 0;
	}
	for (unsigned int i = 0; i < file.n && !err; i++) {
		const struct config_line *l = &file.line[i];

		config_variable(l->name, known, sizeof(known));
		if (is_said(argc, argv, l->name) || getenv(known))
			continue;
		err = strcmp(l->name, "config") && strcmp(l->name, "lab") ? opt_set(options, l->name, l->value, why) : -ENOENT;
		if (err == -ENOENT)
			complaint_set(why, 0, 0, "no setting '%s' ('weir config view' lists them)", l->name);
		if (err) {
			why->line = l->line;
			complaint_file(why, path);
		}
	}
	return err;
}

int config_apply(int argc, char **argv, const struct opt *options, struct complaint *why)
{
	const struct opt *o;
	struct opt_walk w;
	char name[64];
	int err = apply_file(argc, argv, options, why);

	opt_walk(&w, options);
	while (!err && (o = opt_next(&w))) {
		const char *value;

		if (!o->name || !o->text || !strcmp(o->name, "config") || is_said(argc, argv, o->name))
			continue;
		config_variable(o->name, name, sizeof(name));
		value = getenv(name);
		if (value && *value)
			err = opt_set(options, o->name, value, why);
		if (err)
			complaint_file(why, name);
	}
	return err;
}
