/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export: flows as JSON lines to a file or stdout, one observer.ExportEvent each, as they come.
 *
 *	err = export_check(&options, &why);		are they sound, before anything is started
 *	err = export_open(&e, &options, &source, &why);	it runs from here on, on a thread of its own
 *	export_close(e);				what has come until now is written, if that takes no second
 *
 * It reads the history by a cursor of its own: nobody waits for it.  While the disk is full, or nobody reads stdout, it
 * tries again, and flows that the history overwrites meanwhile are counted and told by a lost_events line in their place.
 * With fields to fold by, a line stands for all flows of a window that are equal in them (Flow.aggregate says how many)
 * and has these fields alone.
 */
#ifndef WEIR_AGENT_EXPORT_H
#define WEIR_AGENT_EXPORT_H

#include "agent/export_file.h"
#include "agent/flow_view.h"
#include "agent/losses.h"
#include "agent/quiet.h"
#include "agent/records.h"
#include "lib/complaint.h"

struct export_options {
	const char *file;		/* NULL: no export; "-": stdout */
	const char *allow, *deny;	/* FlowFilters as JSON, one or a list; NULL: none */
	const char *fields;		/* "time,verdict,source.pod_name"; NULL: all, but of detail: */
	bool detail;			/* weir's own, too: lines that Hubble's tools refuse to read */
	const char *fold;		/* fields to fold by, likewise; NULL: each flow by itself */
	unsigned int window_ms;		/* for folding */
	struct export_rotation rotation;
};

struct export_source {			/* none of them ours */
	const struct records *records;
	struct flow_views views;
	struct losses *losses;		/* NULL: nobody counts */
	struct quiet *quiet;
};

struct export;

/* -EINVAL: 'why' begins with the option's name. */
int export_check(const struct export_options *options, struct complaint *why);

int export_open(struct export **out, const struct export_options *options, const struct export_source *from,
		struct complaint *why);
void export_close(struct export *e);	/* NULL is fine */

struct export_counts {
	uint64_t lines, bytes;		/* written */
	uint64_t flows;			/* that lines stand for */
	uint64_t lost;			/* flows overwritten before they were read */
	uint64_t failures;		/* writes that failed, to be tried again */
	uint64_t rotations;
};
void export_count(const struct export *e, struct export_counts *out);	/* any thread */

#endif
