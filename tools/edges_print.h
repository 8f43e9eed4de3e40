/* SPDX-License-Identifier: Apache-2.0 */
/* An edge as `weir top` and `weir map` tell it. */
#ifndef WEIR_TOOLS_EDGES_PRINT_H
#define WEIR_TOOLS_EDGES_PRINT_H

#include "lib/json_write.h"
#include "tools/edges.h"

const char *edges_port_text(const struct edges_row *r, char buf[32]);	/* "5432/tcp", "icmp", "(several)" */
void edges_row_json(struct json_out *j, const struct edges_row *r);	/* an object of the array that is open */

#endif
