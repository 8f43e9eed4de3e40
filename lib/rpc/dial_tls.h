/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of a connection made by hand.  Only dial.c and dial_tls.c. */
#ifndef WEIR_LIB_RPC_DIAL_TLS_H
#define WEIR_LIB_RPC_DIAL_TLS_H

#include "lib/rpc/dial.h"

void dial_tls(const struct dial *d, int fd, const char *host, char *why, size_t size);
bool dial_is_tls(const struct dial *d, int fd);		/* does it answer a handshake */

/* dial.c */
int dial_wait(const struct dial *d, int fd, short events);
__attribute__((format(printf, 3, 4))) void dial_say(char *why, size_t size, const char *format, ...);

#endif
