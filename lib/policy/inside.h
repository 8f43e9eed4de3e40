/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's own structures.  Included by the compiler's files only.
 *
 *	pods.c, policies.c	objects come in: who is where, what policies say
 *	select.c, trie.c	who matches which peer lists; which blocks cover what
 *	member.c		addresses and prefixes, kept by cell
 *	class.c, regroup.c	what policies can tell apart; how classes part and join
 *	atom.c, half.c, set.c	what of the policies is in force on this node
 *	fold.c, row.c		tables; which table a set has for a class
 *	rulebook.c, ruletext.c	rule numbers, and what they say
 *	plan.c, aside.c		what a commit comes to, within the bounds
 *	commit.c, send.c, settle.c	it goes out through order.c, or policies are put back; what is dead leaves
 *	adopt.c			what an earlier agent left in the maps
 */
#ifndef WEIR_LIB_POLICY_INSIDE_H
#define WEIR_LIB_POLICY_INSIDE_H

#include "lib/policy/compile.h"
#include "lib/policy/numbers.h"
#include "lib/policy/order.h"
#include "lib/policy/words.h"

/* Namespaces have numbers from SPACE_FIRST; nodes, and addresses of this host that no Node names, have one each. */
enum { SPACE_NODE = 1, SPACE_HOST, SPACE_FIRST };

#define BY_SELECTOR 0x80000000u		/* a namespace constraint is a namespace, or this and a selector's number */
#define ANY_PORT 0xffffffffu		/* instead of a number of ports: whatever has none, too */

/*
 * An atom is what a signature is made of: the peer list of a rule as a whole (its peers are ORed, so nothing can
 * tell them apart), or "matches that list and names a port so".  Atom 0 is "every peer".
 */
enum { PIECE_PODS = 1, PIECE_BLOCK, PIECE_NAMED };
struct atom {
	u32 ref[WEIR_DIRS];		/* halves in force that use it */
	bool fresh[WEIR_DIRS];		/* since this commit */
	struct vec sets[WEIR_DIRS];	/* who uses it */
	struct vec names;		/* egress rules resolve these at its peers: a name number per use */
};

/* (namespace constraint, pod selector), in force */
struct part {
	struct vec atoms[WEIR_DIRS];
	u32 ref;
};
struct space_selector {			/* in force on namespaces */
	u64 *bits;			/* the namespaces it matches */
	u32 cap, ref;
};
struct pod_selector {			/* in force on pods, and the label it is filed under */
	struct vec parts;
	u32 pivot;
};

struct space {
	u32 name, labels, ref, who;	/* ref: pods, policies, parts, classes and the object; who: head of its list */
	u32 classes[WEIR_DIRS];		/* that its pods were the first to need: it has a budget of them */
	bool known;			/* a Namespace object says so */
	struct weir_prefix *grant;
	u32 ngrant;
};

/* A label set in a namespace with its named ports: all that selectors can see of a pod. */
struct who {
	u32 space, labels, ports, sig[WEIR_DIRS], cell, next, prev, lnext, lprev;
};
struct podrec {
	char *name;
	u32 space, who, born, claim;
	u32 prefixes;			/* of a Node: list of trie nodes, in c->node_lists */
	u16 endpoint;
	bool there : 1, local : 1, live : 1;	/* live: owns addresses, is subject and peer */
};
struct claim {				/* a pod says that an address is its own */
	u32 member, pod, mnext, pnext;
};

/* An address or a prefix: what has a slot, and in it a word. */
enum member_flag {
	MEMBER_PREFIX = 1,
	MEMBER_MOVED = 2,		/* listed in c->moved */
	MEMBER_HOST = 4,		/* this node's own */
	MEMBER_RESTING = 8,		/* changed hands, not swept yet */
	MEMBER_UNSWEPT = 16,		/* somebody's flows may name it still */
	MEMBER_ASIDE = 32,		/* has a class of its own until it joins: c->asides */
	MEMBER_OVER = 64,		/* no slot left for it */
	MEMBER_NAMED_HOST = 128,	/* compile_host_address() says so */
};
struct member {
	struct weir_addr a;
	u64 sent;			/* the word that the kernel holds; 0: no entry */
	u32 cell, next, prev;		/* in its cell */
	u32 claim, owner, slot;		/* owner: pod; slot 0: none yet */
	u16 flags;
	u8 length;
};

/* All members that have the same owner's labels under the same prefix: they share their classes. */
struct cell {
	u32 who, node, head, n;		/* n: members */
	u32 class[WEIR_DIRS], cnext[WEIR_DIRS], cprev[WEIR_DIRS], wnext, wprev, nnext, nprev;
	bool dirty[WEIR_DIRS], moved, there;
};

struct class {
	u32 sig, head, n, ncell;	/* n: members */
	u32 space;			/* whose budget pays, or 0 */
	u32 from, to;			/* a class of one's own: it came from this class, and will join that one */
	bool there, fresh;		/* not there, yet not free: nobody has it, but a packet may */
	bool foreign;			/* an earlier agent's: nothing is known of it but its rows */
};

/* The partition of addresses for one direction. */
struct side {
	struct numbers numbers;
	struct class *class;
	u32 nclass;			/* room in 'class' */
	u32 *class_of;			/* by signature */
	u32 nclass_of;
	struct vec dirty, closed;	/* cells to judge again; cells without a class */
	struct vec fresh;		/* classes since this commit */
	struct vec dying, dead;		/* classes that nobody has: any more; since before the last grace */
	struct vec sets;		/* all that are there */
	u32 limit;			/* cells of a set */
	u32 no_room;			/* cells that were left when sets could not grow */
	bool compound;			/* this commit changes sets */
	struct hmap own;		/* (to, from) -> class, while asides are made */
	struct vec lost, lost_names;	/* atoms, and (atom, name) pairs, that nobody uses any more */
};

struct prefix_node {			/* of the trie */
	struct weir_addr a;
	u32 kid[2], up, ref, blocks, sig[WEIR_DIRS], cell, member;
	u32 strangers;			/* Nodes that name it as a pod prefix */
	u32 grant;			/* in force: namespace */
	struct vec on, off, granted;
	u8 length;
	bool stranger, dirty, fresh;
};
struct block {
	struct vec atoms[WEIR_DIRS];
};

struct policy_port {
	u32 name;
	u16 first, last;
	u8 proto;
};
struct policy_rule {
	u32 atom, first, n, name;	/* ports, in the policy; name: of the rule */
	u8 action;
};
struct polrec {
	u32 space, name, priority, nrule[WEIR_DIRS], nport, half[WEIR_DIRS], spaces, pods;	/* the subject's selectors */
	u8 tier;
	bool there, audit, applies[WEIR_DIRS];
	struct policy_rule *rule[WEIR_DIRS];
	struct policy_port *port;
};
struct changed {			/* a policy since the last commit */
	u32 policy;
	struct polrec before;
};

/* A policy in one direction, in force while a set has it. */
struct half_rule {
	u32 atom, number, first, n, name;
	u8 action;
};
struct half {
	u32 policy, ref, owners, nrule;	/* ref: sets; owners: versions of the policy that have it */
	struct half_rule *rule;
	struct vec names;		/* (atom, name) that it resolves at peers, while in force */
};

struct set_rule {
	u32 atom, number, first, n;
	u8 stage, action;
	bool audit;
};
struct set_port {
	u32 name;			/* resolved at the peer, or 0 */
	u16 first, last;
	u8 lane;			/* LANE_ANY: whatever the name is */
};
enum { LANES = 4, LANE_ANY = 4 };
struct set {
	u32 key, ref, nrule, nport, nhalf, base, limit;
	u8 dir;
	bool isolated[2];		/* [1]: with audited policies */
	bool closed[2];			/* nobody said anything: denied */
	bool names;			/* resolves a name at any peer */
	bool open;			/* whoever it is, it passes */
	bool fresh, there, left;	/* left: some endpoint leaves it in this commit */
	bool foreign;			/* an earlier agent's: its rows are only copied */
	struct set_rule *rule;
	struct set_port *port;
	struct vec atoms;		/* sorted */
	u32 *half;
	u32 *row;			/* view of each class, 0: none; 'limit' of them */
	bool moved;			/* grew, and is somewhere else now */
};
/* What a set says of all classes that have the same of its atoms. */
struct view {
	u32 set, sig, table, ref;
};
struct table {
	u32 first;			/* its ranges */
	bool sent;
};

struct endpoint {
	u32 pod, set[WEIR_DIRS];	/* set: what it is to have */
	struct weir_set sent[WEIR_DIRS];
	u32 held[WEIR_DIRS];		/* set that 'sent' belongs to */
	bool there, dirty, full;	/* full: what it is to have does not fit */
};

/* What waits for a sweep.  epoch: of the settling that it waited for, 0 before, UNSENT before the commit. */
enum { REST_SLOT, REST_ENDPOINT, REST_RULE, REST_MEMBER };
struct resting {
	u32 kind, number, epoch;
};
#define UNSENT 0xffffffff		/* instead of an epoch: not committed yet */

struct adopted;

struct compiler {
	struct compile_limits limits;
	op_fn sink;
	void *ctx;
	u32 here;			/* this node's name */
	bool all_local;
	enum compile_mode mode;

	struct intern texts, label_sets, selectors, ports, sigs, node_blocks, blocks, parts, whos, set_keys, tables, atoms, rules,
		      node_lists;

	/* select.c */
	struct hmap labels_known;	/* by a hash of their text: most pods bear what others bear */
	struct hmap pivots, by_label;
	struct vec *pivot, *bearers;
	u32 npivot, cpivot, nbearers, cbearers, spare_pivot, spare_bearers;
	struct vec unfiled;		/* selectors that need no label */
	struct space_selector *space_selector;
	u32 cspace_selector;
	struct pod_selector *pod_selector;
	u32 cpod_selector;
	struct part *part;
	u32 cpart;

	/* pods.c */
	struct space *space;
	u32 cspace;
	struct numbers spaces;
	struct hmap space_of;
	struct who *who;
	u32 cwho;
	u32 *labels_who;		/* head of the whos with that label set */
	u32 clabels_who;
	struct podrec *pod;
	u32 cpod;
	struct numbers pods;
	struct index pod_index;
	struct claim *claim;
	u32 cclaim, nclaim, free_claim;
	u32 npods;

	/* member.c */
	struct member *member;
	u32 cmember, nmember, free_member;
	struct index addresses;
	struct cell *cell;
	u32 ccell, ncell, free_cell;
	u32 host;			/* the who of a host address that no Node names */
	struct numbers slots;
	u32 naddresses, nprefixes;	/* with a slot */
	struct vec moved, moved_cells, slotless;
	struct vec leaving, left;	/* members without a use: since the last commit; committed, so that settling may remove them */
	struct hmap asides;		/* member << 1 | dir -> class of its own */

	/* class.c */
	struct side side[WEIR_DIRS];
	struct hmap unions, named;	/* (who's, node's) -> both; (that, ports) -> with names */
	u32 empty;			/* the empty signature */
	struct vec any_names, any_sets;
	struct vec fresh_names;		/* (atom, name) pairs wanted since this commit */

	/* trie.c */
	struct prefix_node *node;
	u32 cnode, nnode, free_node, root, root4;
	struct block *block;
	u32 cblock;
	struct vec dirty_nodes, rehang;
	struct vec leaving_nodes, left_nodes;	/* the same for nodes: a reference each */

	/* atom.c, half.c, set.c */
	struct atom *atom;
	u32 catom;
	struct vec fresh_atoms[WEIR_DIRS], fresh_list;	/* to come into force; in force since this commit */
	struct half *half;
	u32 chalf;
	struct numbers halves;
	struct polrec *policy;
	u32 cpolicy, npolicies;
	struct numbers policies;
	struct index policy_index;
	struct vec *space_policy;
	u32 cspace_policy;
	struct vec cluster_policy;
	struct set *set;
	u32 cset;
	struct numbers sets;
	u32 *set_of;			/* by key */
	u32 cset_of;
	struct vec fresh_sets, dead_sets, left_sets;
	struct endpoint *endpoint;
	u32 cendpoint;
	struct numbers endpoints;
	struct vec dirty_endpoints, changing, gone_endpoints;	/* changing: what they are to have is not what they have */
	struct vec full;		/* endpoints for which it did not fit */
	bool hold;			/* plan without new sets for endpoints */

	/* fold.c, row.c */
	struct fold *fold;
	struct table *table;
	u32 ctable, ntables;
	struct extents ranges, cells;
	u32 nranges, ncells;		/* in use */
	struct vec fresh_tables, moved_sets;
	struct view *view;
	u32 cview, nview, free_view;
	struct hmap view_of;		/* (set, signature) */
	struct vec *hit;		/* of each set, the atoms of the class under way */
	u32 chit;

	/* rulebook.c */
	struct numbers rule_numbers;
	u32 *number_of;			/* by rule */
	u32 cnumber_of;
	struct rule_entry *rule;	/* by number */
	u32 crule;

	/* commit.c, settle.c */
	struct changed *changed;
	u32 nchanged, cchanged;
	u32 *changed_at;		/* by policy: its place there, from 1 */
	u32 cchanged_at;
	struct refusal *refusal;
	u32 nrefusal, crefusal;
	enum compile_bound bound;	/* the first that was met in this plan */
	enum compile_bound pods_bound;	/* that closed some address */
	bool may_close;			/* an address without a class is closed, instead of the plan refused */
	bool raise, adopting;
	bool apart;			/* sets moved, and no grace since */
	bool pending;			/* objects came since the last commit */
	u32 over;			/* addresses without a slot */
	u32 refused, epoch;
	struct resting *resting;
	u32 nresting, cresting;
	struct adopted *adopted;

	struct vec tmp, tmp2;
};

struct refusal {
	enum compile_bound bound;
	u32 tier, ns, name;		/* texts, held */
};

struct rule_entry {
	u32 key, ref;			/* in c->rules */
	char *text;			/* made when first asked for */
	struct compile_rule *old;	/* what an earlier agent called it */
	bool resting;
};

/* select.c */
u32 selector_take(struct compiler *c, const struct selector *s);
void selector_put(struct compiler *c, u32 selector);
bool selector_holds(const struct compiler *c, u32 selector, u32 label_set);
u32 labels_take(struct compiler *c, const struct labels *l);
void labels_put(struct compiler *c, u32 label_set);
void labels_file(struct compiler *c, u32 label_set);	/* the first who with it */
void labels_unfile(struct compiler *c, u32 label_set);	/* the last is gone */
void part_use(struct compiler *c, u32 part, u32 atom, enum weir_dir dir);
void part_leave(struct compiler *c, u32 part, u32 atom, enum weir_dir dir);
void part_whos(struct compiler *c, u32 part, struct vec *out);	/* everybody it matches */
void who_atoms(struct compiler *c, u32 who, struct vec out[WEIR_DIRS]);	/* sorted */
void space_matched(struct compiler *c, u32 space);	/* its labels changed, or it went */

/* trie.c */
bool addr_under(const struct weir_addr *a, const struct weir_addr *prefix, u32 length);
u32 trie_node(struct compiler *c, const struct weir_addr *a, u32 length);	/* takes a reference */
void trie_leave(struct compiler *c, u32 node);		/* gives it back, soon */
void trie_gone(struct compiler *c, u32 node);		/* now */
u32 trie_find(const struct compiler *c, const struct weir_addr *a);
u32 trie_exact(const struct compiler *c, const struct weir_addr *a, u32 length);	/* 0: no such node */
void trie_dirty(struct compiler *c, u32 node);
void trie_refresh(struct compiler *c);
void trie_free(struct compiler *c);
void block_use(struct compiler *c, u32 block, u32 atom, enum weir_dir dir);
void block_leave(struct compiler *c, u32 block, u32 atom, enum weir_dir dir);

/* member.c */
u32 member_new(struct compiler *c, const struct weir_addr *a, u32 length, u32 flags);
void member_free(struct compiler *c, u32 member);
void member_moved(struct compiler *c, u32 member);
void member_attach(struct compiler *c, u32 member, u32 who, u32 node);	/* to the cell of the two */
void member_detach(struct compiler *c, u32 member);
u32 address_find(const struct compiler *c, const struct weir_addr *a);
u32 address_get(struct compiler *c, const struct weir_addr *a);
void address_forget(struct compiler *c, u32 member);
void address_place(struct compiler *c, u32 member);	/* under the owner it has now */
void cell_dirty(struct compiler *c, u32 cell, enum weir_dir dir);
void cell_moved(struct compiler *c, u32 cell);
u32 cell_get(struct compiler *c, u32 who, u32 node);
void cell_free(struct compiler *c, u32 cell);
u64 member_word(const struct compiler *c, u32 member);
u32 member_class(const struct compiler *c, u32 member, enum weir_dir dir);
bool member_slot(struct compiler *c, u32 member);	/* has one now */

/* class.c */
u32 class_new(struct compiler *c, enum weir_dir dir, u32 sig);	/* 0: none left */
u32 class_of(const struct side *s, u32 sig);
void class_rename(struct compiler *c, enum weir_dir dir, u32 class, u32 sig);
void class_join(struct compiler *c, enum weir_dir dir, u32 cell, u32 class);
void class_leave(struct compiler *c, enum weir_dir dir, u32 cell);
void class_drop(struct compiler *c, enum weir_dir dir, u32 class);	/* its number rests */
void class_gone(struct compiler *c, enum weir_dir dir, u32 class);	/* its rest is over */
u32 cell_sig(struct compiler *c, enum weir_dir dir, u32 cell);	/* with a reference */
bool class_pay(struct compiler *c, enum weir_dir dir, u32 space);	/* may that namespace have one more? */
void class_charge(struct compiler *c, enum weir_dir dir, u32 class, u32 space);
bool sig_same_but_fresh(const struct compiler *c, enum weir_dir dir, u32 a, u32 b);
void unions_forget(struct compiler *c);
void named_forget(struct compiler *c);
const struct vec *atom_users(const struct compiler *c, enum weir_dir dir, u32 atom);
u32 sig_of(struct compiler *c, struct vec *atoms);	/* sorts; a reference */

/* regroup.c */
void regroup(struct compiler *c, enum weir_dir dir);
void classes_strip(struct compiler *c, enum weir_dir dir, const struct vec *lost);

/* atom.c */
u32 atom_take(struct compiler *c, u32 space, const struct rule *r);
void atom_hold(struct compiler *c, u32 atom);
void atom_put(struct compiler *c, u32 atom);
void atom_use(struct compiler *c, u32 atom, enum weir_dir dir);
void atom_unuse(struct compiler *c, u32 atom, enum weir_dir dir);
void name_use(struct compiler *c, u32 atom, u32 name);
void name_unuse(struct compiler *c, u32 atom, u32 name);
void atoms_live(struct compiler *c);			/* fresh ones come into force */
void atoms_settled(struct compiler *c);			/* and are fresh no more */
void atoms_die(struct compiler *c);			/* those that nobody uses leave */
const struct vec *atom_names(const struct compiler *c, u32 atom);

/* half.c */
u32 half_get(struct compiler *c, u32 policy, enum weir_dir dir);
void half_use(struct compiler *c, u32 half, enum weir_dir dir);
void half_unuse(struct compiler *c, u32 half, enum weir_dir dir);
void half_own(struct compiler *c, u32 half);
void half_disown(struct compiler *c, u32 half);
bool policy_subject(const struct compiler *c, const struct polrec *p, u32 who);
int policy_compare(const struct compiler *c, u32 a, u32 b);	/* of equal tier and priority, by name */

/* set.c */
u32 set_for(struct compiler *c, u32 who, enum weir_dir dir);	/* with a reference; 0: does not fit */
u32 set_clone(struct compiler *c, u32 set);
void set_put(struct compiler *c, u32 set);
void sets_die(struct compiler *c, bool unborn);		/* unborn: only those never sent */

/* fold.c */
u32 fold(struct compiler *c, const struct set *s, const u32 *sig, u32 n);	/* a table, with a reference; 0: too big */
void fold_trim(struct compiler *c);
void fold_free(struct compiler *c);

/* row.c */
bool rows_fill(struct compiler *c);			/* false: c->bound says why */
void row_drop(struct compiler *c, struct set *s, u32 class);
u32 view_adopt(struct compiler *c, u32 set, u32 cell, u32 table);
bool side_grow(struct compiler *c, enum weir_dir dir, u32 need);	/* room for that many classes in every set */
void side_shrink(struct compiler *c, enum weir_dir dir);
u32 row_cell(const struct compiler *c, const struct set *s, u32 class);

/* rulebook.c */
u32 rule_take(struct compiler *c, const struct polrec *p, enum weir_dir dir, u32 index);	/* 0: none left */
void rule_put(struct compiler *c, u32 number);
void rule_rested(struct compiler *c, u32 number);
void rulebook_free(struct compiler *c);
void rulebook_reserve(struct compiler *c, u32 number);

/* ruletext.c */
char *rule_text(const struct compiler *c, u32 rule);	/* of c->rules; to be freed */

/* pods.c, policies.c */
u32 space_get(struct compiler *c, const char *name);	/* a reference */
u32 space_find(const struct compiler *c, const char *name);
void space_put(struct compiler *c, u32 space);
void ports_put(struct compiler *c, u32 ports);
int pod_take(struct compiler *c, const struct object *o, struct complaint *why);
int node_take(struct compiler *c, const struct object *o, struct complaint *why);
int namespace_take(struct compiler *c, const struct object *o, struct complaint *why);
void pod_gone(struct compiler *c, u32 space, const char *name);
void namespace_gone(struct compiler *c, const char *name);
int policy_take(struct compiler *c, const struct object *o, struct complaint *why);
void policy_gone(struct compiler *c, enum object_kind kind, const char *ns, const char *name);
void policy_swap(struct compiler *c, u32 policy, struct polrec *other);	/* exchange two versions */
void policy_dirty(struct compiler *c, const struct polrec *p);
void policy_forget(struct compiler *c, struct polrec *p);	/* a version nobody needs */
void policy_id_put(struct compiler *c, u32 policy);
void policies_free(struct compiler *c);
void endpoint_dirty(struct compiler *c, u32 endpoint);
void endpoints_dirty(struct compiler *c);			/* all */

/* aside.c */
void asides_make(struct compiler *c);			/* for this commit */
void asides_undo(struct compiler *c);			/* those never sent */
void asides_join(struct compiler *c);			/* after the grace */
void aside_drop(struct compiler *c, u32 member, enum weir_dir dir);

/* plan.c */
enum compile_bound plan(struct compiler *c);
void plan_undo(struct compiler *c);			/* look at everything again that this commit touched */
void bound_met(struct compiler *c, enum compile_bound b);

/* send.c */
int send_commit(struct compiler *c, struct order *out);
int send_settle(struct compiler *c, const struct vec *gone);

/* settle.c */
void rest(struct compiler *c, u32 kind, u32 number);

/* trim.c */
void trim(struct compiler *c);

/* adopt.c */
void adopt_begin(struct compiler *c);
bool adopt_slot(struct compiler *c, u32 member);	/* the slot it had */
u32 adopt_class(const struct compiler *c, u32 member, enum weir_dir dir);
u32 adopt_endpoint(struct compiler *c, const char *ns, const char *pod);
u32 adopt_rule(struct compiler *c, const struct compile_rule *rule);	/* the number it had, or 0 */
void adopt_free(struct compiler *c);

#endif
