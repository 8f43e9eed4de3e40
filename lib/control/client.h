/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks an agent over its unix socket.
 *
 *	err = control_open(&c, "unix:/run/weir/agent.sock", &why);
 *	ask.ask_case = WEIR__V1__REQUEST__ASK_STATUS, ask.status = &status;
 *	err = control_ask(c, &ask, &why);
 *	while (!err && (err = control_answer(c, &reply, -1, &why)) == 0) {
 *		use(reply);
 *		done = reply->done;
 *		weir__v1__reply__free_unpacked(reply, NULL);
 *		if (done)
 *			break;
 *	}
 *
 * One request at a time; blocking, with a bound on the wait where one is given.  One thread.
 */
#ifndef WEIR_LIB_CONTROL_CLIENT_H
#define WEIR_LIB_CONTROL_CLIENT_H

#include "lib/complaint.h"
#include "proto/weir/v1/control.pb-c.h"

#define CONTROL_SERVER "unix:/run/weir/agent.sock"	/* where an agent listens unless told otherwise */

struct control;

/* 'server' is unix:PATH or a path.  -errno and a complaint if nobody listens there. */
int control_open(struct control **out, const char *server, struct complaint *why);
void control_close(struct control *c);		/* NULL is fine */

int control_ask(struct control *c, const Weir__V1__Request *ask, struct complaint *why);

/* The next part of the answer, the caller's to free.  -ETIMEDOUT after 'ms' (-1: waits as long as it takes),
 * -EREMOTEIO if the agent said no (its words are the complaint), -EPIPE if it is gone. */
int control_answer(struct control *c, Weir__V1__Reply **out, int ms, struct complaint *why);

/* Ask, and take the only part of the answer.  -ETIMEDOUT: none came in time, and the connection is over. */
int control_ask_once(struct control *c, const Weir__V1__Request *ask, Weir__V1__Reply **out, int ms,
		     struct complaint *why);

#endif
