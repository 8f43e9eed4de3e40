// SPDX-License-Identifier: Apache-2.0
#include "lib/rpc/code.h"

const char *rpc_code_name(enum rpc_code code)
{
	switch (code) {
#define RPC_CODE(name, n) case n: return #name;
	RPC_CODES(RPC_CODE)
#undef RPC_CODE
	default: return "UNKNOWN";
	}
}
