/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by TLS: who is let in, and in what words the others are refused, by one table; and certificates that change
 * while connections stand.  A part of tests/rpc/calls.
 *
 *	stage_open();
 *	calls_tls();
 */
#ifndef WEIR_TESTS_RPC_CALLS_TLS_H
#define WEIR_TESTS_RPC_CALLS_TLS_H

void calls_tls(void);

#endif
