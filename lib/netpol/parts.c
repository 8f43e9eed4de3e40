// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/reading.h"
#include "lib/word.h"

static int by_key(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

#define KEY_RULE "a label key is up to 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends, " \
		 "after an optional prefix like example.com/"
#define VALUE_RULE "a label value is up to 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"

static int label_key(struct reading *r, const struct tree_node *n, const char **out)
{
	struct shown s;

	if (!name_is_label_key(n->text))
		return reading_fail(r, n, "'%s' is no label key: " KEY_RULE, reading_show(&s, n->text));
	return reading_copy(r, n->text, out);
}

static int label_value(struct reading *r, const struct tree_node *n, const char **out)
{
	struct shown s;
	const char *word;
	int err = reading_word(r, n, "a label's value", &word);

	if (err)
		return err;
	if (!name_is_label_value(word))
		return reading_fail(r, n, "'%s' is no label value: " VALUE_RULE, reading_show(&s, word));
	return reading_copy(r, word, out);
}

/* 'extra' stands whatever the object itself says of that key. */
int reading_labels(struct reading *r, const struct tree_node *n, const char *extra_key, const char *extra_value,
		   struct labels *out)
{
	struct label *l;
	int err = 0;

	if (n && tree_null(n))
		n = NULL;
	if (n)
		err = reading_is(r, n, TREE_MAP, "labels");
	if (err)
		return err;
	l = arena_alloc(&r->things, ((n ? n->count : 0) + !!extra_key) * sizeof(*l));
	if (!l)
		return -ENOMEM;
	*out = (struct labels){ .v = l };
	for (const struct tree_node *k = n ? n->first : NULL; k; k = tree_after(k)) {
		if (extra_key && !strcmp(k->text, extra_key))
			continue;
		err = label_key(r, k, &l[out->n].key) ?: label_value(r, k->next, &l[out->n].value);
		if (err)
			return err;
		out->n++;
	}
	if (extra_key)
		l[out->n++] = (struct label){ extra_key, extra_value };
	qsort(l, out->n, sizeof(*l), by_key);
	return 0;
}

static int one_value(struct reading *r, const struct tree_node *n, void *to)
{
	return label_value(r, n, to);
}

static int read_key(struct reading *r, const struct tree_node *n, void *to)
{
	struct requirement *q = to;
	const char *word;

	return reading_word(r, n, "key", &word) ?: label_key(r, n, &q->key);
}

static int read_operator(struct reading *r, const struct tree_node *n, void *to)
{
	static const char *const words[] = {
		[OP_IN] = "In", [OP_NOT_IN] = "NotIn", [OP_EXISTS] = "Exists", [OP_NOT_EXISTS] = "DoesNotExist",
	};
	struct requirement *q = to;
	unsigned int op;
	int err = reading_choice(r, n, "operator", words, 4, &op);

	q->op = err ? OP_IN : op;
	return err;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_values(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "values", 0, sizeof(const char *), one_value };
	struct requirement *q = to;
	const char **v = NULL;
	unsigned int keep = 0;
	int err = reading_list(r, n, &of, &v, &q->n);

	if (err)
		return err;
	qsort(v, q->n, sizeof(*v), by_text);
	for (unsigned int i = 0; i < q->n; i++)
		if (!i || strcmp(v[i], v[keep - 1]))
			v[keep++] = v[i];
	q->value = v;
	q->n = keep;
	return 0;
}

SHAPE(expression, "an item of matchExpressions", REFUSE,
	{ "key", read_key }, { "operator", read_operator }, { "values", read_values });

static int read_expression(struct reading *r, const struct tree_node *n, void *to)
{
	struct requirement *q = to;
	int err = reading_map(r, n, &expression, q);

	if (err)
		return err;
	if (!q->key)
		return reading_fail(r, n, "an item of matchExpressions has no key");
	if (!tree_get(n, "operator") || tree_null(tree_get(n, "operator")))
		return reading_fail(r, n, "an item of matchExpressions has no operator; write In, NotIn, Exists or DoesNotExist");
	if (q->op <= OP_NOT_IN && !q->n)
		return reading_fail(r, n, "operator %s needs values", q->op == OP_IN ? "In" : "NotIn");
	if (q->op > OP_NOT_IN && q->n)
		return reading_fail(r, tree_get(n, "values"), "operator %s takes no values; delete them",
				    q->op == OP_EXISTS ? "Exists" : "DoesNotExist");
	return 0;
}

struct selector_parts {
	const struct tree_node *labels;
	struct requirement *expression;
	unsigned int n;
};

static int match_labels(struct reading *r, const struct tree_node *n, void *to)
{
	struct selector_parts *p = to;

	p->labels = n;
	return reading_is(r, n, TREE_MAP, "matchLabels");
}

static int match_expressions(struct reading *r, const struct tree_node *n, void *to)
{
	static const struct list_of of = { "matchExpressions", 0, sizeof(struct requirement), read_expression };
	struct selector_parts *p = to;

	return reading_list(r, n, &of, &p->expression, &p->n);
}

SHAPE_HINT(selector_shape, "a selector", REFUSE, "labels go under matchLabels", NULL,
	{ "matchLabels", match_labels }, { "matchExpressions", match_expressions });

static int one_label(struct reading *r, const struct tree_node *key, struct requirement *q)
{
	const char **value = arena_alloc(&r->things, sizeof(*value));

	if (!value)
		return -ENOMEM;
	*q = (struct requirement){ .op = OP_IN, .n = 1, .value = value };
	return label_key(r, key, &q->key) ?: label_value(r, key->next, value);
}

int reading_selector(struct reading *r, const struct tree_node *n, struct selector *out)
{
	struct selector_parts p = { 0 };
	struct requirement *q;
	int err = reading_map(r, n, &selector_shape, &p);

	if (err)
		return err;
	*out = (struct selector){ .v = p.expression, .n = p.n };
	if (!p.labels || !p.labels->count)
		return 0;
	q = arena_alloc(&r->things, (p.labels->count + p.n) * sizeof(*q));
	if (!q)
		return -ENOMEM;
	*out = (struct selector){ .v = q, .n = p.labels->count + p.n };
	for (const struct tree_node *k = p.labels->first; k && !err; k = tree_after(k))
		err = one_label(r, k, q++);
	if (p.n)
		memcpy(q, p.expression, p.n * sizeof(*q));
	return err;
}

int reading_protocol(struct reading *r, const struct tree_node *n, uint8_t *out)
{
	static const char *const words[] = { "TCP", "UDP", "SCTP" };
	static const uint8_t numbers[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	unsigned int i;
	int err = reading_choice(r, n, "protocol", words, 3, &i);

	if (!err)
		*out = numbers[i];
	return err;
}

int reading_port_name(struct reading *r, const struct tree_node *n, const char **out)
{
	struct shown s;
	const char *word;
	int err = reading_word(r, n, "port", &word);

	if (err)
		return err;
	if (!n->plain && *word && !word[strspn(word, "0123456789")])
		return reading_fail(r, n, "port \"%s\" in quotes is a name, and names have a letter; for the number write %s",
				    reading_show(&s, word), s.text);
	if (!name_is_port(word))
		return reading_fail(r, n, "'%s' is no port name: up to 15 small letters, digits or single '-' inside, "
				    "one letter at least", reading_show(&s, word));
	return reading_copy(r, word, out);
}

int reading_address(struct reading *r, const struct tree_node *n, const char *what, struct weir_addr *out)
{
	struct shown s;
	const char *word;
	int err = reading_word(r, n, what, &word);

	if (err)
		return err;
	if (addr_parse(word, out))
		return reading_fail(r, n, "%s '%s' is no IPv4 or IPv6 address", what, reading_show(&s, word));
	return 0;
}

/* Items may be addresses or maps that hold one under 'key'; 'one' is the older single field, which the list
 * repeats as its first. */
int reading_addresses(struct reading *r, const struct tree_node *list, const struct tree_node *one,
		      const char *key, const struct weir_addr **out, unsigned int *n)
{
	const struct tree_node *i = NULL;
	struct weir_addr *a;
	unsigned int room = !!one;
	int err = 0;

	if (list && !tree_null(list)) {
		err = reading_is(r, list, TREE_LIST, "a list of addresses");
		if (err)
			return err;
		if (list->count) {
			i = list->first;
			room = list->count;
			one = NULL;
		}
	}
	a = arena_alloc(&r->things, room * sizeof(*a));
	if (!a)
		return -ENOMEM;
	*out = a;
	*n = 0;
	for (i = one ? one : i; i; i = one ? NULL : i->next) {
		const struct tree_node *v = i->kind == TREE_MAP && key ? tree_get(i, key) : i;
		bool twice = false;

		if (!v || tree_null(v) || (v->kind == TREE_SCALAR && !*v->text))
			continue;
		err = reading_address(r, v, "address", &a[*n]);
		if (err)
			return err;
		for (unsigned int j = 0; j < *n; j++)
			twice |= addr_equal(&a[j], &a[*n]);
		*n += !twice;
	}
	return 0;
}

int reading_prefix(struct reading *r, const struct tree_node *n, const char *what, enum cidr_zeros zeros,
		   struct weir_prefix *out)
{
	const char *word, *wrong;
	struct shown s;
	int err = reading_word(r, n, what, &word);

	if (err)
		return err;
	wrong = cidr_parse(word, zeros, out);
	return wrong ? reading_fail(r, n, "%s '%s' %s", what, reading_show(&s, word), wrong) : 0;
}

/* One of ours; "" if it is not there. */
int reading_annotation(struct reading *r, const char *key, const char **word, const struct tree_node **at)
{
	struct shown s;

	*word = "";
	*at = NULL;
	for (const struct tree_node *k = r->annotations ? r->annotations->first : NULL; k; k = tree_after(k)) {
		if (!strcmp(k->text, key)) {
			*at = k->next;
			return reading_word(r, k->next, key, word);
		}
		if (!strncmp(k->text, "weir.dev/", 9) && word_near(k->text + 9, key + 9))
			return reading_fail(r, k, "annotation '%s' is none of weir's; write %s", reading_show(&s, k->text), key);
	}
	return 0;
}

int reading_flag(struct reading *r, const char *annotation, bool *out)
{
	const struct tree_node *at;
	const char *word;
	struct shown s;
	int err = reading_annotation(r, annotation, &word, &at);

	*out = !err && !strcmp(word, "true");
	if (err || !*word || *out || !strcmp(word, "false"))
		return err;
	return reading_fail(r, at, "%s is '%s' and must be \"true\" or \"false\"", annotation, reading_show(&s, word));
}
