/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real connections, small: one call, and a server that answers all who call.  Both in the namespace the thread is
 * in.  A refused call got through: the packet arrived and the other side said no.
 */
#ifndef WEIR_TOOLS_CALL_H
#define WEIR_TOOLS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base.h>

struct call {
	const struct weir_addr *from;	/* NULL: any */
	struct weir_addr to;
	uint16_t port;
	bool udp;
	unsigned int ms;		/* to wait for an answer */
};

enum call_end { CALL_ANSWERED, CALL_REFUSED, CALL_SILENT, CALL_UNREACHABLE, CALL_FAILED };

/* 'us': how long the answer took.  TCP: the connection is opened, one line asked and read, and closed. */
enum call_end call_once(const struct call *c, unsigned int *us);
bool call_source(const struct call *c, struct weir_addr *out);	/* the address it goes out with */
const char *call_word(enum call_end end);	/* "answered", "refused" ... */

/* Answers on TCP and UDP ports until the process ends.  -errno if it cannot. */
int serve(const uint16_t *port, unsigned int n);

#endif
