// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/control/frame.h"

#define HEAD 4			/* bytes of length before a message */
#define ROOM_MIN 4096
#define ROOM_KEEP (256 << 10)	/* an emptied buffer larger than this is given back */

/* Room for 'more' bytes behind the used ones: by moving them down, else by growing. */
static int make_room(uint8_t **buf, size_t *first, size_t *used, size_t *size, size_t more)
{
	size_t held = *used - *first, want = ROOM_MIN;
	uint8_t *grown;

	if (*first && held)
		memmove(*buf, *buf + *first, held);
	*first = 0;
	*used = held;
	if (*size - held >= more)
		return 0;
	while (want - held < more || want < held)
		want *= 2;
	grown = realloc(*buf, want);
	if (!grown)
		return -ENOMEM;
	*buf = grown;
	*size = want;
	return 0;
}

static size_t head_read(const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, HEAD);
	return ntohl(n);
}

/* How many bytes the message at the front still wants; at least one buffer's worth. */
static size_t wanted(const struct frame_in *in)
{
	size_t held = in->used - in->first, whole;

	if (held < HEAD)
		return ROOM_MIN;
	whole = HEAD + head_read(in->buf + in->first);
	if (whole > HEAD + in->most)
		return ROOM_MIN;	/* frame_next() will refuse it */
	return whole > held && whole - held > ROOM_MIN ? whole - held : ROOM_MIN;
}

int frame_read(struct frame_in *in, int fd)
{
	ssize_t n;
	int err;

	if (in->used == in->size || in->first) {
		err = make_room(&in->buf, &in->first, &in->used, &in->size, wanted(in));
		if (err)
			return err;
	}
	do
		n = read(fd, in->buf + in->used, in->size - in->used);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n == 0)
		return -EPIPE;
	in->used += n;
	return 0;
}

int frame_next(struct frame_in *in, const uint8_t **data, size_t *size)
{
	size_t held = in->used - in->first, length;

	if (!held && in->size > ROOM_KEEP)
		frame_in_free(in);
	if (held < HEAD)
		return 0;
	length = head_read(in->buf + in->first);
	if (length > in->most)
		return -EMSGSIZE;
	if (held < HEAD + length)
		return 0;
	*data = in->buf + in->first + HEAD;
	*size = length;
	in->first += HEAD + length;
	return 1;
}

void frame_in_free(struct frame_in *in)
{
	free(in->buf);
	*in = (struct frame_in){ .most = in->most };
}

int frame_put(struct frame_out *out, const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint32_t head = htonl(length);
	int err;

	if (HEAD + length > out->most || frame_waiting(out) > out->most - HEAD - length)
		return -ENOBUFS;
	err = make_room(&out->buf, &out->first, &out->used, &out->size, HEAD + length);
	if (err)
		return err;
	memcpy(out->buf + out->used, &head, HEAD);
	protobuf_c_message_pack(message, out->buf + out->used + HEAD);
	out->used += HEAD + length;
	return 0;
}

int frame_flush(struct frame_out *out, int fd)
{
	while (out->first < out->used) {
		ssize_t n = send(fd, out->buf + out->first, out->used - out->first, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -errno;
		out->first += n;
	}
	if (out->size > ROOM_KEEP)
		frame_out_free(out);
	return 0;
}

size_t frame_waiting(const struct frame_out *out)
{
	return out->used - out->first;
}

void frame_out_free(struct frame_out *out)
{
	free(out->buf);
	*out = (struct frame_out){ .most = out->most };
}
