/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay and false agents as processes, and a client in this one.
 *
 *	rig_start(&r, &(struct rig_want){ .agents = 3, .rate = 100, .past = 1000 });
 *	rig_flows(&r, &request, 500, on_message, me);	runs for so long, or until the stream ends
 *	rig_stop(&r);
 *
 * Everything is in a directory of its own and goes with rig_stop(); children die with their parent.
 */
#ifndef WEIR_TESTS_RELAY_RIG_H
#define WEIR_TESTS_RELAY_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/rpc/client.h"
#include "observer/observer.pb-c.h"

struct rig_want {
	unsigned int agents, rate, past, bell, edges, offset, foreign;	/* 'foreign': so many more that are */
	unsigned int connected;		/* wait for so many; 0: all */
	const char *more[8];		/* for the relay; up to NULL */
};
struct rig {
	char dir[64];
	pid_t agents, foreign, relay;
	struct rpc_loop *loop;
	struct rpc_channel *channel;
	struct rpc_timer timer;
	struct rpc_ask *ask;
	bool over;
	struct rpc_end end;		/* of the last call; text is gone */
	char why[256];
};

typedef void (*rig_fn)(void *ctx, const uint8_t *data, size_t size);

int rig_start(struct rig *r, const struct rig_want *want);
void rig_stop(struct rig *r);
/* 'ms' 0: until it ends.  The code with which it ended; RPC_CANCELLED when the time was up. */
enum rpc_code rig_flows(struct rig *r, const Observer__GetFlowsRequest *request, unsigned int ms, rig_fn fn, void *ctx);
enum rpc_code rig_call(struct rig *r, const char *path, const ProtobufCMessage *request, unsigned int ms, rig_fn fn,
		       void *ctx);

/* Of a message: there is enough of them, and the call ends as if its time were up. */
void rig_enough(struct rig *r);

uint64_t rig_cpu_us(pid_t pid);		/* user and system */
unsigned int rig_rss_kb(pid_t pid);

#endif
