/* SPDX-License-Identifier: Apache-2.0 */
/* What the datapath's own files share: the maps by number, and where each is mapped. */
#ifndef WEIR_AGENT_DATAPATH_INSIDE_H
#define WEIR_AGENT_DATAPATH_INSIDE_H

#include <limits.h>

#include "agent/datapath.h"

/* Every map by its name; control is pinned last and makes the pins an installation.  'mode': how it is mapped. */
enum map_mode { MAP_BY_CALL, MAP_READ, MAP_WRITE };
#define DATAPATH_MAPS(X)		\
	X(FLOWS, flows, MAP_READ)	\
	X(ASKED, asked, MAP_WRITE)	\
	X(ADDRESSES, addresses, MAP_BY_CALL)	\
	X(PREFIXES, prefixes, MAP_BY_CALL)	\
	X(SLOTS, slots, MAP_WRITE)	\
	X(INTERFACES, interfaces, MAP_BY_CALL)	\
	X(ENDPOINTS, endpoints, MAP_WRITE)	\
	X(USAGE, usage, MAP_READ)	\
	X(CELLS, cells, MAP_WRITE)	\
	X(RANGES, ranges, MAP_WRITE)	\
	X(COUNTERS, counters, MAP_BY_CALL)	\
	X(RULE_HITS, rule_hits, MAP_READ)	\
	X(DENIED, denied, MAP_BY_CALL)	\
	X(DENIED_SUMS, denied_sums, MAP_READ)	\
	X(FRAGMENTS, fragments, MAP_BY_CALL)	\
	X(RECORDS, records, MAP_BY_CALL)	\
	X(DENIALS, denials, MAP_BY_CALL)	\
	X(NOTES, notes, MAP_WRITE)	\
	X(CONTROL, control, MAP_WRITE)

enum map_id {
#define X(id, name, mode) MAP_##id,
	DATAPATH_MAPS(X)
#undef X
	MAP_COUNT
};

enum prog_id { PROG_FROM_POD, PROG_TO_POD, PROG_EXPIRE, PROG_CLOCK, PROG_COUNT };

struct map_held {
	struct bpf_map *map;	/* libbpf's; NULL for notes, which no program knows */
	int fd;			/* ours to close only for notes */
	void *at;		/* mapped, or NULL */
	size_t size;
	__u32 entries, value_size;
};

/* A ring's memory: positions only grow; a record lies at position modulo size, and is mapped twice over so that
 * none is ever in two pieces. */
struct ring_view {
	unsigned long *consumer;	/* ours to write: the reader thread's */
	const unsigned long *producer;
	const char *data;
	size_t size;
};

/* Operations on the hash and the prefix map that wait for company: agent/maps_entries.c. */
#define ENTRY_RUN 1024
struct entry_run {
	enum op_kind kind;
	unsigned int n;
	char keys[ENTRY_RUN * sizeof(struct weir_prefix)];
	__u64 values[ENTRY_RUN];
};

struct datapath {
	struct weir_bpf *skel;
	int prog[PROG_COUNT];	/* descriptors; the skeleton's unless 'kept' */
	bool kept;		/* an earlier agent's programs are used as they are */
	struct ring_view records, denials;
	struct map_held map[MAP_COUNT];
	struct datapath_view view;
	char pins[PATH_MAX];	/* "" when private */
	int lock;		/* on that directory, while we live; -1 */
	bool adopted;
	unsigned int graces;	/* asked for by OP_GRACE */
	bool grace_due;		/* the last of them has not been waited for */
	struct entry_run run;
	unsigned int own_most;	/* no endpoint beyond it has an 'own' */
	bool counting;		/* 'counted' is what the counters of reasons should be: run.c */
	__u64 counted[64];
};

extern const char *const datapath_map_name[MAP_COUNT];
extern const enum map_mode datapath_map_mode[MAP_COUNT];

static inline void *held(const struct datapath *dp, enum map_id id)
{
	return dp->map[id].at;
}

static inline struct weir_control *control_of(const struct datapath *dp)
{
	return held(dp, MAP_CONTROL);
}

/* agent/flows.c */
int ring_map(struct ring_view *r, int fd, size_t size);
void ring_unmap(struct ring_view *r);
struct flows_mark;
void rings_mark(const struct datapath *dp, struct flows_mark *mark);
bool rings_newest(const struct datapath *dp, const struct flows_mark *since, struct weir_record *out);	/* unread */

/* agent/maps_entries.c */
int entries_put(struct datapath *dp, const struct op *op);
int entries_flush(struct datapath *dp);
void entries_adopted(struct datapath *dp);
bool entries_may_wait(const struct datapath *dp, const struct op *op);

/* agent/load.c: may this machine do it; the object opened and loaded, with sizes set and adopted maps put in. */
int load_allowed(struct complaint *why);
int load_open(struct datapath *dp, struct complaint *why);
int load_finish(struct datapath *dp, struct complaint *why);
unsigned int load_buckets_by_memory(void);
void load_close(struct datapath *dp);

/* agent/load_kept.c: programs that an earlier agent of this very build left pinned.  False: they must be loaded. */
bool load_kept(struct datapath *dp);
void load_keep(struct datapath *dp);		/* pins them for the next agent */
void load_drop_kept(struct datapath *dp);

/* agent/pins.c: the directory of pins. */
int pins_open(struct datapath *dp, const char *dir, struct complaint *why);	/* made, locked, cleared of halves */
bool pins_installed(const struct datapath *dp);
int pins_adopt(struct datapath *dp, struct complaint *why);	/* before load_finish: descriptors put in place */
int pins_write(struct datapath *dp, struct complaint *why);	/* after it: all maps, control last */
void pins_undo(struct datapath *dp);				/* what pins_write made */
void pins_close(struct datapath *dp);
int pins_lock(const char *dir);	/* a descriptor that holds it; -EBUSY while an agent does */
int pins_path(const struct datapath *dp, const char *name, char path[PATH_MAX]);

#endif
