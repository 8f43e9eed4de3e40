/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program on an interface by a clsact qdisc and a filter, for kernels without tcx.  Our filter has preference 1 and
 * a handle that reads "weir"; nobody else's filter or qdisc is changed.  Any thread.
 */
#ifndef WEIR_AGENT_CLSACT_H
#define WEIR_AGENT_CLSACT_H

#include <stdbool.h>

/* Makes the qdisc: 1 if it is new, 0 if there was one, or -errno. */
int clsact_make(unsigned int ifindex);

/* Puts our filter there, or a new program into it, in one step.  -EEXIST: another kind of filter has its place. */
int clsact_put(unsigned int ifindex, bool to_pod, int prog_fd);

/* Takes our filter away if it is there. */
int clsact_take(unsigned int ifindex, bool to_pod);
int clsact_unmake(unsigned int ifindex);		/* the qdisc, if no filter is left in it: -ENOTEMPTY */

/*
 * What others have there, qdiscs and filters; ours apart.  The kernel answers for one interface only by telling
 * everybody who listens, so the qdiscs of all are read at once and then looked up.
 */
struct clsact_qdiscs;
int clsact_qdiscs_read(struct clsact_qdiscs **out);
void clsact_qdiscs_free(struct clsact_qdiscs *q);

enum { CLSACT_INGRESS = 1, CLSACT_EGRESS = 2 };
/* Bits, or -errno; 'text' gets a line about what was found. */
int clsact_foreign(const struct clsact_qdiscs *q, unsigned int ifindex, char *text, unsigned int size);

#endif
