/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence put together in a buffer of fixed size; what does not fit ends with "...".
 *
 *	struct line l = LINE(buf, size);
 *	line_add(&l, "%s=%s", key, value);
 */
#ifndef WEIR_LIB_POLICY_LINE_H
#define WEIR_LIB_POLICY_LINE_H

#include <stddef.h>
#include <string.h>

#include "lib/netpol/object.h"

struct line {
	char *buf;
	size_t size, at;
};
#define LINE(b, n) ((struct line){ .buf = memset(b, 0, 1), .size = n })

__attribute__((format(printf, 2, 3)))
void line_add(struct line *l, const char *format, ...);

/* Parts of a rule in words, the same as the compiler's rule texts use. */
void line_selector(struct line *l, const struct selector *s);		/* app=web,tier in (a,b),!old */
void line_peer(struct line *l, const struct peer *p, const char *own);	/* 'own': the policy's namespace */
void line_ports(struct line *l, const struct rule *rule);		/* TCP 80, 8000-8007, UDP 53; nothing for any */
const char *protocol_text(uint8_t proto, char buf[16]);

#endif
