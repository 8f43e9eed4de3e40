/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line about a flow, as tools print it behind the verdict: "TCP Flags: SYN", "UDP", "ICMPv4 EchoRequest"; a closed
 * flow adds what went through it: "TCP Flags: FIN, ACK; closed after 1.2s: 12 packets, 3.4 kB out; 10 packets, 8 kB back".
 *
 *	n = flow_summary(&flow, buf);
 */
#ifndef WEIR_LIB_FLOW_SUMMARY_H
#define WEIR_LIB_FLOW_SUMMARY_H

#include <stddef.h>

#include "lib/flow/flow.h"

#define FLOW_SUMMARY_SIZE 256

/* Returns the length; ends with a NUL. */
size_t flow_summary(const struct flow *f, char buf[FLOW_SUMMARY_SIZE]);

#endif
