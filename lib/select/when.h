/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A moment as people write it: how long ago, or when.
 *
 *	err = when_parse("5m", now, &t, &why);		nanoseconds of CLOCK_REALTIME
 *
 * How long: as Go writes it, 300ms, 5m, 1h30m, 1.5h; days (2d), too.  When: 2026-11-21, 2026-11-21T14Z,
 * 2026-11-21T14:05+01:00, RFC 3339 with seconds and fractions, Sat, 21 Nov 2026 14:05:00 +0100, and as compact output has
 * it, in UTC: Nov 21 14:05:00.123, the last such one.
 */
#ifndef WEIR_LIB_WHEN_H
#define WEIR_LIB_WHEN_H

#include <stdint.h>

#include "lib/complaint.h"

int when_parse(const char *text, uint64_t now, uint64_t *out, struct complaint *why);	/* 0, -EINVAL */

#endif
