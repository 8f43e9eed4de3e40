/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside lib/netpol: one object while it is read from its tree.
 *
 * An object is read twice: first into arenas, which finds every fault and tells the size, then into one block
 * of just that size.  So readers are plain functions of the tree, and the same calls twice over.
 * All return 0, -EINVAL with the complaint, or -ENOMEM.
 */
#ifndef WEIR_LIB_NETPOL_READING_H
#define WEIR_LIB_NETPOL_READING_H

#include "lib/arena.h"
#include "lib/complaint.h"
#include "lib/netpol/cidr.h"
#include "lib/netpol/object.h"
#include "lib/netpol/read.h"
#include "lib/tree.h"

struct reading {
	struct arena things, texts;
	struct complaint *why;			/* not ours */
	bool stored;				/* see read_stored() */
	const struct tree_node *annotations;	/* of the object's metadata, or NULL */
	const struct tree_node *owners;
	bool deleting;
};

/* A map's fields and who reads each; a field without reader is known and means nothing to weir.  A null value
 * is as good as none. */
typedef int (*field_fn)(struct reading *r, const struct tree_node *value, void *to);
struct field {
	const char *name;
	field_fn read;
};
enum unknown { REFUSE, REFUSE_SLIPS, PASS_OVER };	/* fields not in the table; SLIPS: if close to one that is */
struct shape {
	const char *what;		/* "a policy's spec" */
	enum unknown unknown;
	const struct field *field;
	unsigned int n;
	const char *hint;		/* what to do about an unknown one; NULL: the names are told */
	const char *scalar_hint;	/* what to do about a single value in its place, or NULL */
};
#define SHAPE_HINT(name, what, unknown, hint, scalar_hint, ...)			\
	static const struct field name##_fields[] = { __VA_ARGS__ };			\
	static const struct shape name = { what, unknown, name##_fields,		\
		sizeof(name##_fields) / sizeof(name##_fields[0]), hint, scalar_hint }
#define SHAPE(name, what, unknown, ...) SHAPE_HINT(name, what, unknown, NULL, NULL, __VA_ARGS__)

int reading_map(struct reading *r, const struct tree_node *map, const struct shape *shape, void *to);

/* A list: room for its items, each read into its own by 'item'. */
struct list_of {
	const char *what;		/* "ingress" */
	unsigned int most;		/* 0: as many as there are */
	size_t size;
	field_fn item;
};
int reading_list(struct reading *r, const struct tree_node *list, const struct list_of *of, void *array,
		 unsigned int *n);
int reading_is(struct reading *r, const struct tree_node *n, enum tree_kind kind, const char *what);

/* Scalars.  'what' names the field.  Words stay in the tree, texts are the object's. */
int reading_word(struct reading *r, const struct tree_node *n, const char *what, const char **out);
int reading_text(struct reading *r, const struct tree_node *n, const char *what, const char **out);
int reading_uint(struct reading *r, const struct tree_node *n, const char *what, unsigned int least,
		 unsigned int most, unsigned int *out);
int reading_bool(struct reading *r, const struct tree_node *n, const char *what, bool *out);
int reading_choice(struct reading *r, const struct tree_node *n, const char *what, const char *const *words,
		   unsigned int nwords, unsigned int *out);
int reading_copy(struct reading *r, const char *text, const char **out);

/* Parts that several objects have. */
int reading_selector(struct reading *r, const struct tree_node *n, struct selector *out);
int reading_labels(struct reading *r, const struct tree_node *n, const char *extra_key, const char *extra_value,
		   struct labels *out);
int reading_protocol(struct reading *r, const struct tree_node *n, uint8_t *out);
int reading_port_name(struct reading *r, const struct tree_node *n, const char **out);
int reading_address(struct reading *r, const struct tree_node *n, const char *what, struct weir_addr *out);
int reading_addresses(struct reading *r, const struct tree_node *list, const struct tree_node *one,
		      const char *key, const struct weir_addr **out, unsigned int *n);
int reading_prefix(struct reading *r, const struct tree_node *n, const char *what, enum cidr_zeros zeros,
		   struct weir_prefix *out);
int reading_annotation(struct reading *r, const char *key, const char **word, const struct tree_node **at);
int reading_flag(struct reading *r, const char *annotation, bool *out);

/* "file:line:col:" and a sentence; -EINVAL.  What people wrote goes in by reading_show(). */
__attribute__((format(printf, 3, 4)))
int reading_fail(struct reading *r, const struct tree_node *at, const char *format, ...);
struct shown {
	char text[72];
};
const char *reading_show(struct shown *s, const char *text);

/* The objects; metadata is read before. */
int read_namespace(struct reading *r, const struct tree_node *root, struct object *o);
int read_pod(struct reading *r, const struct tree_node *root, struct object *o);
int read_node(struct reading *r, const struct tree_node *root, struct object *o);
int read_service(struct reading *r, const struct tree_node *root, struct object *o);
int read_endpoint_slice(struct reading *r, const struct tree_node *root, struct object *o);
int read_network_policy(struct reading *r, const struct tree_node *root, struct object *o);
int read_cluster_policy(struct reading *r, const struct tree_node *root, struct object *o);

/* Names as the API has them. */
bool name_is_label(const char *s);		/* DNS label, up to 63 */
bool name_is_subdomain(const char *s);		/* labels with dots, up to 253 */
bool name_is_port(const char *s);		/* IANA service name, up to 15 */
bool name_is_label_key(const char *s);
bool name_is_label_value(const char *s);

struct meta {
	bool namespaced;
	bool (*name_good)(const char *s);
	const char *name_rule;
};
int reading_meta(struct reading *r, const struct tree_node *root, const struct meta *meta, struct object *o);

#endif
