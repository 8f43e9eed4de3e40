// SPDX-License-Identifier: Apache-2.0
#include "agent/control.h"
#include "lib/wire/unpack.h"

Weir__V1__Request *request_unpack(const uint8_t *data, size_t size)
{
	return unpack_message(&weir__v1__request__descriptor, data, size);
}

void request_free(Weir__V1__Request *ask)
{
	unpack_free(ask);
}

bool request_changes(const Weir__V1__Request *ask)
{
	switch (ask->ask_case) {
	case WEIR__V1__REQUEST__ASK_STATUS:
	case WEIR__V1__REQUEST__ASK_ENDPOINTS:
	case WEIR__V1__REQUEST__ASK_WHY:
	case WEIR__V1__REQUEST__ASK_POLICIES:
	case WEIR__V1__REQUEST__ASK_OBSERVE:
		return false;
	default:
		return true;
	}
}
