/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: what the agent says of itself, to whoever asks, by the control socket or by gRPC.
 *
 *	err = answer_endpoints(a, on_part, me);
 *	on_part(me, message, last)			-EPIPE: nobody wants more
 *
 * An answer is one message or more.  Of more, the repeated fields go on from one to the next: the bytes of all, one
 * behind the other, are one message again.  The loop's thread; a part is good until 'fn' returns.
 */
#ifndef WEIR_AGENT_ANSWERS_H
#define WEIR_AGENT_ANSWERS_H

#include <stdbool.h>

#include "lib/complaint.h"
#include "proto/weir/v1/control.pb-c.h"

struct agent;

typedef int (*answer_fn)(void *ctx, const ProtobufCMessage *part, bool last);

/* 0, what 'fn' said, or -ENOMEM. */
int answer_status(struct agent *a, answer_fn fn, void *ctx);
int answer_endpoints(struct agent *a, answer_fn fn, void *ctx);
int answer_policies(struct agent *a, answer_fn fn, void *ctx);

/* -EINVAL: the question makes no sense, and 'why' says why. */
int answer_why(struct agent *a, const Weir__V1__WhyRequest *ask, answer_fn fn, void *ctx, struct complaint *why);

#endif
