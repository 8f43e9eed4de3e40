// SPDX-License-Identifier: Apache-2.0
/* weir policy check: reads manifests as the agent would, and says what is wrong with them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/json_write.h"
#include "lib/netpol/read.h"
#include "lib/policy/explain.h"
#include "tools/files.h"
#include "tools/verb.h"

static struct verb_want want;

static const struct opt options[] = { VERB_OUTPUT_OPTIONS(&want), OPT_END };

static const struct verb_help help = {
	"policy check [OPTION...] FILE|DIRECTORY...",
	"Reads manifests as the agent would and says what is wrong, as file:line:column: what, why, what to do. Needs neither\n"
	"an agent nor root. Directories are read as a state directory is: *.yaml, *.yml and *.json in it and in the folders\n"
	"in it. With pods among them, a policy that selects nobody is mentioned.",
	"0 all can be used, 1 something is wrong", false,
	"  weir policy check policies/shop my-policies/*.yaml\n"
	"  kustomize build . | weir policy check /dev/stdin\n",
	NULL
};

struct found {
	struct object *object;
	const char *file;
	size_t number;			/* in the order of reading */
};

struct checked {
	struct found *found;
	size_t n, room;
	char **file;			/* those that were read */
	size_t nfile;
	unsigned int wrong;
	struct json_out json;
};

static void say_wrong(struct checked *c, const struct complaint *why)
{
	char text[1024];

	c->wrong++;
	if (!want.json) {
		printf("%s\n", complaint_text(why, text, sizeof(text)));
		return;
	}
	json_object(&c->json, NULL);
	json_text(&c->json, "file", why->file);
	json_uint(&c->json, "line", why->line);
	json_uint(&c->json, "column", why->column);
	json_text(&c->json, "text", why->text);
	json_end(&c->json);
}

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	struct checked *c = ctx;

	if (why) {
		say_wrong(c, why);
		return 0;
	}
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 256;
		struct found *more = realloc(c->found, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->found = more;
		c->room = room;
	}
	c->found[c->n] = (struct found){ o, c->file[c->nfile - 1], c->n };
	c->n++;
	return 0;
}

static int note_file(struct checked *c, const char *path)
{
	char **more = realloc(c->file, (c->nfile + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	c->file = more;
	c->file[c->nfile] = strdup(path);
	return c->file[c->nfile] ? (c->nfile++, 0) : -ENOMEM;
}

static int on_file(void *ctx, const char *path)
{
	struct checked *c = ctx;
	struct complaint why = { 0 };
	unsigned int wrong = c->wrong;
	size_t size, n = c->n;
	char *text;
	int err = note_file(c, path) ?: file_read(path, &text, &size);

	if (!err) {
		err = read_manifests(text, size, path, on_object, c);
		free(text);
	}
	if (err == -ENOMEM)
		return err;
	if (!err && !want.json && n == c->n && wrong == c->wrong)
		printf("%s: holds nothing that weir reads\n", path);
	if (err) {
		complaint_file(&why, path);
		complaint_set(&why, 0, 0, "cannot be read: %s", strerror(-err));
		say_wrong(c, &why);
	}
	return 0;
}

/* Equal ones beside each other, in the order they were read. */
static int by_object(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int c = (int)x->object->kind - (int)y->object->kind;

	c = c ? c : strcmp(x->object->ns, y->object->ns);
	c = c ? c : strcmp(x->object->name, y->object->name);
	return c ? c : (x->number > y->number) - (x->number < y->number);
}

/* An agent reads one directory: what other directories say is another cluster's. */
static bool of_one_directory(const char *a, const char *b)
{
	const char *x = strrchr(a, '/') ?: a, *y = strrchr(b, '/') ?: b;

	return x - a == y - b && !memcmp(a, b, x - a);
}

static void say_twice(struct checked *c, const struct found *f, const struct found *first)
{
	const struct object *o = f->object;
	struct complaint why = { 0 };

	complaint_file(&why, f->file);
	complaint_set(&why, o->line, 0, "%s %s%s%s stands in line %u of '%s', too: remove one of them", object_kind_name(o->kind),
		      o->ns, *o->ns ? "/" : "", o->name, first->object->line, first->file);
	say_wrong(c, &why);
}

static void find_twice(struct checked *c)
{
	if (c->n)
		qsort(c->found, c->n, sizeof(*c->found), by_object);
	for (size_t i = 0, k = 0; i < c->n; i++) {
		const struct object *a = c->found[k].object, *b = c->found[i].object;

		if (a->kind != b->kind || strcmp(a->ns, b->ns) || strcmp(a->name, b->name))
			k = i;
		else if (i != k && of_one_directory(c->found[k].file, c->found[i].file))
			say_twice(c, &c->found[i], &c->found[k]);
	}
}

static const struct labels *labels_of(const struct checked *c, const char *ns)
{
	static const struct labels none;

	for (size_t i = 0; i < c->n; i++)
		if (c->found[i].object->kind == OBJECT_NAMESPACE && !strcmp(c->found[i].object->name, ns))
			return &c->found[i].object->labels;
	return &none;
}

static bool selects(const struct checked *c, const struct object *policy, const struct object *pod)
{
	const struct policy *p = &policy->policy;

	if (!p->subject_all_namespaces && policy->kind == OBJECT_POLICY && strcmp(policy->ns, pod->ns))
		return false;
	if (policy->kind == OBJECT_CLUSTER_POLICY && !selector_matches(&p->subject_namespaces, labels_of(c, pod->ns)))
		return false;
	return selector_matches(&p->subject_pods, &pod->labels);
}

/* Not wrong, but hardly meant: a policy nobody is selected by, where there are pods to select. */
static void mention_idle(const struct checked *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct object *o = c->found[i].object;
		unsigned int pods = 0, selected = 0;

		if (o->kind != OBJECT_POLICY && o->kind != OBJECT_CLUSTER_POLICY)
			continue;
		for (size_t k = 0; k < c->n; k++) {
			if (c->found[k].object->kind != OBJECT_POD || c->found[k].object->pod.host_network)
				continue;
			pods++;
			selected += selects(c, o, c->found[k].object);
		}
		if (pods && !selected)
			printf("%s%s%s: selects none of the %u pods given\n", o->ns, *o->ns ? "/" : "", o->name, pods);
	}
}

static void print_sum(const struct checked *c)
{
	unsigned int count[OBJECT_KINDS] = { 0 };

	for (size_t i = 0; i < c->n; i++)
		count[c->found[i].object->kind]++;
	printf("%zu objects", c->n);
	for (int k = 0; k < OBJECT_KINDS; k++)
		if (count[k])
			printf(", %u %s", count[k], object_kind_name(k));
	printf("; %u wrong\n", c->wrong);
}

static void finish(struct checked *c)
{
	find_twice(c);
	if (want.json) {
		json_end(&c->json);
		json_uint(&c->json, "objects", c->n);
		json_uint(&c->json, "wrong", c->wrong);
		json_end(&c->json);
		json_done(&c->json);
	} else {
		mention_idle(c);
		print_sum(c);
	}
	for (size_t i = 0; i < c->n; i++)
		object_free(c->found[i].object);
	for (size_t i = 0; i < c->nfile; i++)
		free(c->file[i]);
	free(c->file);
	free(c->found);
}

int policy_check_main(int argc, char **argv)
{
	struct checked c = { 0 };
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (!words.n)
		return verb_fail(VERB_USAGE, "which files?");
	if (want.json) {
		json_begin(&c.json, stdout, true);
		json_object(&c.json, NULL);
		json_array(&c.json, "complaints");
	}
	for (int i = 0; i < words.n; i++) {
		int err = files_each(words.word[i], on_file, &c);

		if (err)
			return verb_fail(VERB_FAILED, "cannot read '%s': %s", words.word[i], strerror(-err));
	}
	finish(&c);
	return c.wrong ? VERB_NO : VERB_OK;
}
