/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of suites, one reader each.  For suite.c. */
#ifndef WEIR_LIB_SUITE_READ_H
#define WEIR_LIB_SUITE_READ_H

#include "lib/suite/suite.h"

/* Cases whose verdicts are tables: rows are sources, columns destinations, joined by '/'. */
int suite_read_tables(struct suite *s, const struct value *doc, struct complaint *why);
/* Cases that are lists of changes and single probes. */
int suite_read_ops(struct suite *s, const struct value *doc, struct complaint *why);
/* One cluster, its steps, tables or probes: what people write. */
int suite_read_state(struct suite *s, const struct value *doc, struct complaint *why);
/* A directory of manifests with NAME.flows in it. */
bool suite_is_sample(const char *path);
int suite_read_sample(struct suite *s, struct complaint *why);

/* For the readers. */
struct suite_case *suite_add_case(struct suite *s, const char *id, const char *title, const struct value *state);
struct deed *suite_add_deed(struct suite_case *c, enum deed_kind kind, const char *step, const struct value *verb);
struct cell *suite_add_cell(struct deed *d, const char *from, const char *to);
/* {"TCP/80": {"ingress": T, "egress": T, "combined": T}} or {"TCP/80": T}: all pairs of 'pods'. */
int suite_add_tables(struct deed *d, const struct value *expected, const struct value *pods, struct complaint *why);
/* {"from", "to", "protocol", "port", "family", "expect", "via"} */
int suite_add_probe(struct deed *d, const struct value *probe, struct complaint *why);

#endif
