/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map of the cluster that can be read: workloads and what flows between them, folded until it fits.
 *
 *	map_new(&m, 60000, 20);				a window of a minute, sparklines of 20 points
 *	map_add(m, &edge, point);			everything that happened in it, in any order
 *	map_denied(m, &edge, egress, decision, size);	who said no last, and on which side
 *	map_fold(m, &want);				chooses what is shown
 *	map_write(m, &json);				docs/api.md says what it looks like
 *	map_free(m);
 *
 * Names that nobody in the cluster has stand alone, the busiest and those with denials; the others are one mark.  Namespaces are
 * folded, the quietest first, until no more than 'most' marks are left; what is expanded, focused or denied stays unfolded as long
 * as it can.  Marks have the same identity from map to map.  Pure.
 */
#ifndef WEIR_RELAY_MAP_H
#define WEIR_RELAY_MAP_H

#include "lib/json_write.h"
#include "relay/past.h"

#define MAP_MOST 200			/* marks, whatever is asked for */
#define MAP_OUTSIDE 20			/* names outside that stand alone; any with a denial does */
#define MAP_LINES 1500			/* merged edges; the busiest, and those with denials first */
#define MAP_POINTS 60			/* of a sparkline, at most */

struct map;

int map_new(struct map **out, uint64_t window_ms, unsigned int points);
void map_free(struct map *m);		/* NULL is fine */

int map_add(struct map *m, const struct past_edge *e, unsigned int point);
void map_point(struct map *m, const struct past_edge *e, unsigned int point);	/* for sparklines only; who is not there is not added */
void map_denied(struct map *m, const struct past_edge *e, bool egress, const uint8_t *decision, size_t size);

struct map_want {
	unsigned int most;		/* marks; 0: MAP_MOST */
	const char *const *expand;	/* namespaces, to the NULL; NULL: none */
	const char *const *fold;	/* the same: one mark each, whatever room there is; unless expanded or focused */
	const uint32_t *keep;		/* map_hash() of what is shown already: it gives way to what is far more interesting only */
	unsigned int nkeep;
	const char *focus;		/* "ns/workload": it and its neighbours stay, nothing else; NULL */
};
uint32_t map_hash(const char *ns, const char *workload);	/* FNV-1a of both, each with a '/' behind; NULL: of the first alone */
void map_fold(struct map *m, const struct map_want *want);

/* The members "level", "marks", "edges" and "folded" of the object that is open. */
void map_write(const struct map *m, struct json_out *j);

struct map_counts {
	unsigned int workloads, namespaces, marks, lines, folded_marks, folded_lines;
};
void map_count(const struct map *m, struct map_counts *out);

#endif
