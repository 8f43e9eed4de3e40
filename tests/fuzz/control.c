// SPDX-License-Identifier: Apache-2.0
// fuzz-links: agent
/*
 * What a client of the control socket may send: any bytes, in any pieces.  Framing and unpacking as the agent does
 * them; what comes out is packed again and must be understood again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>

#include "agent/control.h"
#include "lib/control/frame.h"

static void one_request(const uint8_t *data, size_t size)
{
	Weir__V1__Request *ask = request_unpack(data, size), *again;
	size_t packed;
	uint8_t *buf;

	if (!ask)
		return;
	request_changes(ask);
	packed = weir__v1__request__get_packed_size(ask);
	buf = malloc(packed + 1);
	if (weir__v1__request__pack(ask, buf) != packed)
		abort();
	again = request_unpack(buf, packed);
	/* a field of number 0 is taken in by protobuf-c, but not taken in again: what is not understood is no finding */
	if (again && again->ask_case != ask->ask_case)
		abort();
	request_free(again);
	free(buf);
	request_free(ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_in in = { .most = 65536 };
	const uint8_t *message;
	size_t length, sent = 0;
	int pair[2], n = 0;

	one_request(data, size);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		return 0;
	while (sent < size && n >= 0) {
		size_t piece = data[sent] % 64 + 1;

		if (piece > size - sent)
			piece = size - sent;
		if (write(pair[0], data + sent, piece) != (ssize_t)piece)
			break;
		sent += piece;
		while (!frame_read(&in, pair[1]))
			while ((n = frame_next(&in, &message, &length)) > 0)
				one_request(message, length);
	}
	frame_in_free(&in);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
