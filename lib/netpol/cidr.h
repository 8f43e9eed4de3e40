/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address ranges as policies write them, with the fault in words.
 *
 *	wrong = cidr_parse("10.0.0.0/8", CIDR_STRICT, &prefix);	NULL, or what to put behind "cidr '10.0.0.0/8' "
 *
 * Host bits are masked.  A mapped address is refused: its two spellings would be two families.
 */
#ifndef WEIR_LIB_NETPOL_CIDR_H
#define WEIR_LIB_NETPOL_CIDR_H

#include <weir/base.h>

/* Old NetworkPolicies may hold leading zeros, which the API reads as decimal. */
enum cidr_zeros { CIDR_STRICT, CIDR_ZEROS };

const char *cidr_parse(const char *text, enum cidr_zeros zeros, struct weir_prefix *out);

#endif
