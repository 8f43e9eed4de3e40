/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as flows are printed with: UTC, in one of the formats that the Hubble tools know by name. */
#ifndef WEIR_TOOLS_STAMP_H
#define WEIR_TOOLS_STAMP_H

#include "tools/text.h"

#define STAMP_FORMATS "StampMilli|YearMonthDay|YearMonthDayHour|YearMonthDayHourMinute|RFC3339|RFC3339Milli|" \
	"RFC3339Micro|RFC3339Nano|RFC1123Z"

/* Of the second that was last printed nothing is computed again. */
struct stamp {
	unsigned int format;		/* place in STAMP_FORMATS; zeroed: StampMilli */
	int64_t second;
	char head[40];			/* what stands before the fraction */
	int head_size;
};

void stamp_format(struct stamp *w, const char *name);	/* one of STAMP_FORMATS, NULL: the first */
void stamp_put(struct stamp *w, struct text *t, int64_t seconds, uint32_t ns);

#endif
