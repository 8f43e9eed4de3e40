/* SPDX-License-Identifier: Apache-2.0 */
/* Which server is meant, and whether by TLS: of tools/connect.c. */
#ifndef WEIR_TOOLS_CONNECT_SERVER_H
#define WEIR_TOOLS_CONNECT_SERVER_H

#include <limits.h>
#include <stdbool.h>

#define CONNECT_SERVER_SIZE (PATH_MAX + 16)

/* VERB_GO, or the exit code after a complaint. */
struct forward;
int connect_choose(char server[CONNECT_SERVER_SIZE], bool *tls, struct forward **forward);	/* *forward: NULL, or the way there */

#endif
