/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolators: which policies isolate a local pod, for whoever tells of a denial that no rule decided.
 *
 *	isolators_want(i, name, dir);		the reader, at each such denial: it is worked out soon, on the loop's thread
 *	who = isolators_get(i, name, dir);	any thread between two of its quiet points; NULL: not known (yet)
 *
 * By name number and direction, under the policies in force: after a commit all are worked out anew when they are wanted,
 * and not known until then.  It takes a fraction of a millisecond each, and the loop's thread is left alone for
 * ISOLATORS_REST times as long as it took.  What has no place gives way; what is asked beyond ISOLATORS_ASKED at once is
 * not asked, and wanted again with the next denial.
 */
#ifndef WEIR_AGENT_ISOLATORS_H
#define WEIR_AGENT_ISOLATORS_H

#include <stdint.h>

#include <weir/base.h>

#define ISOLATORS_KEPT 4096
#define ISOLATORS_ASKED 64
#define ISOLATORS_REST 20
#define ISOLATORS_NAMED 16		/* policies of one pod; more are counted */

struct agent;
struct isolators;

struct isolators_who {
	unsigned int named, more;
	const char *const *policy;	/* "namespace/policy" */
};

int isolators_new(struct isolators **out, struct agent *a);
void isolators_free(struct isolators *i);		/* NULL is fine; after everybody who asks */

void isolators_want(struct isolators *i, uint32_t name, enum weir_dir dir);	/* NULL is fine; any thread */
const struct isolators_who *isolators_get(const struct isolators *i, uint32_t name, enum weir_dir dir);	/* NULL is fine */

/* The loop's thread. */
void isolators_committed(struct isolators *i);		/* other policies are in force */
/* At once, if few have been worked out so in the last moment; else as isolators_get(). */
const struct isolators_who *isolators_now(struct isolators *i, uint32_t name, enum weir_dir dir);

#endif
