/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and prefixes as text.  An address is 16 bytes, IPv4 as ::ffff:a.b.c.d (<weir/base.h>).
 *
 *	if (addr_parse("10.0.0.1", &a))			-EINVAL: no address
 *	printf("%s\n", addr_text(&a, buf));		10.0.0.1
 */
#ifndef WEIR_LIB_ADDR_H
#define WEIR_LIB_ADDR_H

#include <stdbool.h>

#include <weir/base.h>

#define ADDR_TEXT_SIZE 48		/* of a prefix, too */

int addr_parse(const char *text, struct weir_addr *out);	/* an IPv6 text that is ::ffff:a.b.c.d is refused */
const char *addr_text(const struct weir_addr *a, char buf[ADDR_TEXT_SIZE]);
bool addr_is_v4(const struct weir_addr *a);
bool addr_equal(const struct weir_addr *a, const struct weir_addr *b);

/* "10.0.0.0/8": length 104.  Host bits are cleared; without a length it is one address. */
int prefix_parse(const char *text, struct weir_prefix *out);
const char *prefix_text(const struct weir_prefix *p, char buf[ADDR_TEXT_SIZE]);
bool prefix_covers(const struct weir_prefix *p, const struct weir_addr *a);	/* IPv6 prefixes cover no IPv4 */

#endif
