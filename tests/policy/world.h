/* SPDX-License-Identifier: Apache-2.0 */
/* Random worlds for the compiler's tests: objects made and forgotten, and a naive verdict on them. */
#ifndef WEIR_TESTS_POLICY_WORLD_H
#define WEIR_TESTS_POLICY_WORLD_H

#include "lib/netpol/object.h"
#include "lib/policy/compile.h"

struct made {			/* an object and all it points to */
	struct object o;
	void **part;
	unsigned int n, cap;
};

#define WORLD_SPACES 5
#define WORLD_PODS 18
#define WORLD_NODES 2
#define WORLD_POLICIES 10

struct world {			/* NULL: not there */
	struct made *ns[WORLD_SPACES], *pod[WORLD_PODS], *node[WORLD_NODES], *policy[WORLD_POLICIES];
	unsigned int born;
	enum compile_mode mode;
};

extern bool world_steady;	/* a policy of a number is always of one kind and namespace */
void world_seed(unsigned long long seed);
unsigned int rnd(unsigned int n);
bool chance(unsigned int percent);

struct made *made_new(void);
void *made_part(struct made *m, size_t size);
void made_free(struct made *m);

struct made *world_space(unsigned int id);
struct made *world_node(struct world *w, unsigned int id);
struct made *world_pod(struct world *w, unsigned int id);		/* a new one of that name */
struct made *world_relabelled(const struct made *pod);
struct made *world_policy(unsigned int id);
void world_free(struct world *w);
struct weir_addr addr4(unsigned int a);
struct weir_addr addr6(unsigned int a);

/* Straight from the objects, one packet at a time, sharing nothing with the compiler. */
struct verdict {
	unsigned char verdict;		/* WEIR_ALLOW or WEIR_DENY */
	unsigned short rule;		/* WEIR_RULE_OPEN, _ISOLATED, _CLOSED; 0: the rule named below */
	const struct object *policy;
	unsigned int index;
};
void world_judge(const struct world *w, enum weir_dir dir, const struct object *subject, const struct weir_addr *peer,
		 unsigned char proto, unsigned short port, bool audited, struct verdict *out);
const struct object *world_owner(const struct world *w, const struct weir_addr *a);
bool world_live(const struct object *pod);
bool world_stranger(const struct world *w, const struct weir_addr *a);

#endif
