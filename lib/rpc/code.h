/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call ended: gRPC's status codes, and their names.
 *
 *	rpc_code_name(RPC_NOT_FOUND)	"NOT_FOUND"
 */
#ifndef WEIR_LIB_RPC_CODE_H
#define WEIR_LIB_RPC_CODE_H

#define RPC_CODES(X)			\
	X(OK, 0)			\
	X(CANCELLED, 1)			\
	X(UNKNOWN, 2)			\
	X(INVALID_ARGUMENT, 3)		\
	X(DEADLINE_EXCEEDED, 4)		\
	X(NOT_FOUND, 5)			\
	X(ALREADY_EXISTS, 6)		\
	X(PERMISSION_DENIED, 7)		\
	X(RESOURCE_EXHAUSTED, 8)	\
	X(FAILED_PRECONDITION, 9)	\
	X(ABORTED, 10)			\
	X(OUT_OF_RANGE, 11)		\
	X(UNIMPLEMENTED, 12)		\
	X(INTERNAL, 13)			\
	X(UNAVAILABLE, 14)		\
	X(DATA_LOSS, 15)		\
	X(UNAUTHENTICATED, 16)

enum rpc_code {
#define RPC_CODE(name, n) RPC_##name = n,
	RPC_CODES(RPC_CODE)
#undef RPC_CODE
	RPC_CODE_COUNT
};

const char *rpc_code_name(enum rpc_code code);	/* what is no code is "UNKNOWN" */

#endif
