/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A suite: cases of policy with what is expected of them, from any of the formats
 *
 *	netpol-conformance/1, netpol-e2e/1, cnp-conformance/1, netpol-nasty/1, netpol-state/1
 *
 * and from a directory of manifests with a table of flows beside them (NAME/NAME.flows).
 *
 *	err = suite_read(&s, path, &why);
 *	for each case: suite_begin(s, case) is its cluster; for each of its deeds: change, ask or act
 *	suite_free(s);
 *
 * Expected values are those that are written there; nothing here works out a verdict.
 */
#ifndef WEIR_LIB_SUITE_SUITE_H
#define WEIR_LIB_SUITE_SUITE_H

#include "lib/suite/cluster.h"

enum expect { EXPECT_UNSAID, EXPECT_ALLOW, EXPECT_DENY, EXPECT_CONFIGURABLE, EXPECT_IGNORED };
const char *expect_text(enum expect e);

/* One verdict that a suite asks for. */
struct cell {
	char *from, *to;		/* names: see cluster_who() */
	unsigned int family;		/* 4, 6, or 0: the first that both have */
	__u16 port;
	__u8 proto;			/* IPPROTO_* */
	bool service;			/* reached by a Service: a pod's own address comes back by its interface */
	enum expect want;
	enum expect side[WEIR_DIRS];	/* the two sides apart, where the suite has them */
	char *author[WEIR_DIRS];	/* who is to decide: "ns/policy:1", "open", "isolated", "closed", "node"; or NULL */
	unsigned int line;
	/* What came of it, the judge's: */
	enum expect got;
	enum expect got_side[WEIR_DIRS];
	char got_author[WEIR_DIRS][128];	/* likewise; "": not judged, or the judge does not tell */
	char why[192];			/* the reason; IGNORED: why */
};

enum deed_kind {
	DEED_CHANGE,			/* the cluster changes */
	DEED_CELLS,			/* these verdicts are asked for */
	DEED_ACT,			/* a script's: connect, send, reply, fragments ... */
};
struct deed {
	enum deed_kind kind;
	const struct value *verb;	/* CHANGE, ACT */
	struct cell *cell;
	unsigned int ncell;
	char *step;			/* its name: "1" or what the suite calls it */
};

struct suite_case {
	const char *id, *title;
	const struct value *state;	/* of netpol-state/1's words, or NULL */
	const struct value *more[2];	/* policies besides */
	struct deed *deed;
	unsigned int ndeed;
};

struct suite {
	char *name, *path, *format;
	struct value *docs;		/* all that is read */
	const struct value *created;
	struct suite_case *c;
	unsigned int n;
};

int suite_read(struct suite **out, const char *path, struct complaint *why);	/* 0, -EINVAL, -ENOENT */
void suite_free(struct suite *s);
struct cluster *suite_begin(const struct suite *s, const struct suite_case *c);	/* to be freed */

__u8 proto_read(const char *word);		/* "TCP"; 0: unknown */
const char *proto_text(__u8 proto);

#endif
