/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on a stream: 4 bytes of length, big endian, then the message.  Both ends of the control socket.
 *
 *	struct frame_in in = { .most = FRAME_REQUEST_MAX };
 *	frame_read(&in, fd);			all there is, without waiting on a non-blocking descriptor
 *	while ((n = frame_next(&in, &data, &size)) > 0)
 *		answer(data, size);
 *
 *	struct frame_out out = { .most = 4 << 20 };
 *	frame_put(&out, &reply.base);		packed into the queue; -ENOBUFS: it would grow beyond 'most'
 *	frame_flush(&out, fd);			as much as the other side takes
 *
 * Both grow as needed, never beyond their bound, and give their memory back by frame_in_free, frame_out_free.
 */
#ifndef WEIR_LIB_CONTROL_FRAME_H
#define WEIR_LIB_CONTROL_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#define FRAME_REQUEST_MAX	(1U << 20)
#define FRAME_JUDGE_MAX		(64U << 20)	/* requests to an agent started with --judge */
#define FRAME_REPLY_MAX		(1U << 20)

struct frame_in {
	size_t most;			/* bytes a message may have */
	uint8_t *buf;
	size_t first, used, size;	/* unread bytes are buf[first .. used) */
};

/* 0: read what was there; -EAGAIN: nothing there; -EPIPE: the other side is done; or -errno.  Reads at most one
 * buffer full, so that nobody starves the others: call again while readable. */
int frame_read(struct frame_in *in, int fd);

/* 1: a message, good until the next call for this 'in'; 0: none complete; -EMSGSIZE: longer than allowed, hang up. */
int frame_next(struct frame_in *in, const uint8_t **data, size_t *size);
void frame_in_free(struct frame_in *in);

struct frame_out {
	size_t most;			/* bytes that may wait */
	uint8_t *buf;
	size_t first, used, size;
};

int frame_put(struct frame_out *out, const ProtobufCMessage *message);
int frame_flush(struct frame_out *out, int fd);		/* 0: all is gone; 1: some waits; or -errno */
size_t frame_waiting(const struct frame_out *out);	/* bytes */
void frame_out_free(struct frame_out *out);

#endif
