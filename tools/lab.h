/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab: pods as network namespaces, nodes as namespaces with an agent each, joined by a bridge.
 *
 * Everything a lab made is in its ledger, /run/weir-lab/NAME/ledger, written before it is made: so what was half
 * made, or left by a crash, is taken down by the same walk.  A line is a kind and words:
 *
 *	state DIR			the manifests it follows
 *	owner PID START			who holds it up; down when that process ends (the demo)
 *	node NAME			netns, socket and log follow from the name
 *	pod NS/NAME NODE INTERFACE	its host end in the node's namespace
 *	netns NAME			below /run/netns
 *	mount DIR			a bpffs
 *	process PID START WHAT		an agent or a worker; START tells it from a later process of the same number
 */
#ifndef WEIR_TOOLS_LAB_H
#define WEIR_TOOLS_LAB_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/complaint.h"

#define LAB_DIR "/run/weir-lab"
#define LAB_NAME_MAX 32
#define LAB_WORD 2048			/* bytes of a word in the ledger */
#define LAB_OUTSIDE "outside"		/* the namespace of who is no pod and no node */
#define LAB_OBSERVER "observer.sock"	/* a node's file: its agent's gRPC */
#define LAB_RELAY "relay"		/* names its files, and its process in the ledger */
#define LAB_NET "net"			/* the namespace of the bridge */

struct lab_line {
	char kind[12];
	char word[3][LAB_WORD];
};

struct lab {
	char name[LAB_NAME_MAX + 1];
	char dir[64];			/* LAB_DIR/NAME */
	struct lab_line *line;
	size_t nlines, room;
	int fd;				/* the ledger, open for appending; -1 when only read */
};

/* Claims the name: -EEXIST if a lab has it. */
int lab_make(struct lab **out, const char *name, struct complaint *why);
/* Reads the ledger of a lab that is there; 'name' NULL: the only one. */
int lab_find(struct lab **out, const char *name, struct complaint *why);
void lab_close(struct lab *lab);			/* NULL is fine */

/* Names of the labs that are there, in order; how many.  At most 'max' are stored. */
int lab_names(char (*names)[LAB_NAME_MAX + 1], int max);
const char *lab_several(void);		/* where more than one is up: "demo, hx and 3 more"; else NULL */

/* Appends a line and has it on disk before it returns. */
int lab_note(struct lab *lab, const char *kind, const char *a, const char *b, const char *c);
int lab_note_process(struct lab *lab, const char *kind, pid_t pid, const char *what);
const struct lab_line *lab_line(const struct lab *lab, const char *kind, const char *first_word);	/* or NULL */
bool lab_process_lives(const struct lab_line *line);	/* that very process, not a later one of its number */

/* Takes down all that is noted, latest first, and forgets the lab.  0, or the last thing that went wrong. */
int lab_down(struct lab *lab);

/* Names that follow from names. */
void lab_netns(const struct lab *lab, const char *who, char *buf, size_t size);	/* who: shop/web, node/n1, outside, net */
void lab_file(const struct lab *lab, const char *node, const char *what, char buf[PATH_MAX]);	/* n1.sock */

#endif
