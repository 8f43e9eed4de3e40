/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: who an address or an endpoint is, as numbers that never change their meaning.
 *
 *	names_put(n, object, now); names_gone(n, kind, "shop", "web", now);	the loop, as the cluster changes
 *	record.name[0] = names_at(n, &addr);				the reader of the rings, at event time
 *	who = names_get(n, record.name[0]);				the loop, when somebody asks
 *
 * A pod that is relabelled or moves gets a new number; the old one keeps its meaning until names_forget() is told
 * that no record holds it.  The agent keeps pods of the whole cluster here and nowhere else, packed: some 120 bytes
 * each, what they share kept once.
 *
 * The reader's thread may call names_at(), names_of(), names_peek() and names_said(); they take no lock.  Whoever else
 * wants to know who a number is asks agent/ends.h.
 */
#ifndef WEIR_AGENT_NAMES_H
#define WEIR_AGENT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/quiet.h"
#include "agent/texts.h"
#include "lib/netpol/object.h"

enum name_kind { NAME_WORLD, NAME_OWN_NODE, NAME_POD, NAME_NODE, NAME_SERVICE };

/* Numbers that always mean the same. */
#define NAMES_WORLD 0			/* nobody that the cluster knows */
#define NAMES_OWN_NODE 1		/* a socket or an address of this node */

/* Tens of thousands of these: what is small shares a word. */
struct name {
	uint32_t number;
	uint32_t owner;			/* texts_at(): kind, zero, name */
	uint64_t kind : 3;		/* enum name_kind */
	uint64_t local : 1, host_network : 1, terminating : 1;
	uint64_t dead : 1;		/* nobody is called so any more */
	uint64_t replaced : 1;		/* another block has its number */
	uint64_t phase : 2;		/* enum pod_phase */
	uint64_t naddr : 8;
	uint64_t at_name : 8;		/* where behind 'addr' the name begins: a namespace has at most 63 characters */
	uint64_t endpoint : 16;		/* of a local pod, or 0 */
	uint64_t node : 20;		/* a pod's: texts_at() */
	struct name *next;		/* by (kind, ns, name); dead: the next to be forgotten */
	const struct text *labels;	/* key, zero, value, zero, ... */
	union {
		const struct text *ports;	/* struct container_port packed: port, proto, name, zero, ... */
		uint64_t dead_at;	/* the record number from which on nobody has this name; then a mark of 'quiet' */
	};
	struct weir_addr addr[];	/* 'naddr' of them, and behind them namespace, zero, name, zero */
};

#define NAME_NS(n) ((char *)((n)->addr + (n)->naddr))
#define NAME_NAME(n) (NAME_NS(n) + (n)->at_name)

struct names;

int names_new(struct names **out, const char *node);
void names_free(struct names *n);			/* NULL is fine */
void names_share(struct names *n, struct quiet *quiet);	/* before a second thread reads: nothing is freed under its hands */

/* 'now' is the number of the next record: what a name's death is marked with. */
int names_put(struct names *n, const struct object *o, uint64_t now);	/* pods, nodes, services; others are ignored */
void names_gone(struct names *n, enum object_kind kind, const char *ns, const char *name, uint64_t now);
void names_endpoint(struct names *n, unsigned int endpoint, uint32_t number);	/* 0: none */
void names_host_address(struct names *n, const struct weir_addr *a, bool there);
void names_forget(struct names *n, uint64_t oldest);	/* records older than this are gone; said by none since: forgotten */

uint32_t names_at(const struct names *n, const struct weir_addr *a);
uint32_t names_of(const struct names *n, unsigned int endpoint);		/* 0: no such endpoint now */

/* For the reader, between two of its quiet points.  NULL: world, own node, forgotten. */
const struct name *names_peek(const struct names *n, uint32_t number);
void names_said(struct names *n, uint32_t number, uint64_t record);	/* a record, or a live flow until then, names it */
uint64_t names_last(const struct names *n, uint32_t number);		/* the last such record + 1; 0: none */
const char *names_node(const struct names *n);

const struct name *names_get(const struct names *n, uint32_t number);		/* never NULL */
const struct name *names_find(const struct names *n, enum name_kind kind, const char *ns, const char *name); /* or NULL */
const char *names_text(const struct name *name, char *buf, size_t size);	/* "shop/web", "node", "world" */

/* As the object it came from, for explain: labels, addresses and named ports; free(*out) gives it back. */
int names_object(const struct name *name, struct object **out);

struct names_count {
	size_t pods, names, addresses, refused;		/* refused: addresses beyond the bound */
};
void names_count(const struct names *n, struct names_count *out);

#endif
