/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person wrote is answered in their terms: file, line, what is wrong, what to do.
 *
 *	if (err)
 *		fprintf(stderr, "%s\n", complaint_text(&why, buf, sizeof(buf)));	policies/db.yaml:14:9: port ...
 *
 * Parsers fill it, the caller prints it.  Nothing to free.
 */
#ifndef WEIR_LIB_COMPLAINT_H
#define WEIR_LIB_COMPLAINT_H

#include <stddef.h>

struct complaint {
	char file[256];			/* "" when there is none */
	unsigned int line, column;	/* from 1; 0 when not known */
	char text[512];			/* lower case, no full stop: what, why, what to do */
	char object[336];		/* of manifests, whose complaint it is: "NetworkPolicy shop/db"; "" if not known */
};

__attribute__((format(printf, 4, 5)))
void complaint_set(struct complaint *why, unsigned int line, unsigned int column, const char *format, ...);
void complaint_file(struct complaint *why, const char *file);

/* "file:line:column: text", without the parts that are not known.  Returns 'buf'. */
const char *complaint_text(const struct complaint *why, char *buf, size_t size);

/* What a person or a program wrote, fit to be printed: what is no printable ASCII becomes '?', what is too long
 * ends with "...".  Returns 'buf'. */
const char *complaint_show(const char *text, char *buf, size_t size);

#endif
