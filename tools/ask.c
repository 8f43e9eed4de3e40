// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <unistd.h>

#include "tools/ask.h"
#include "tools/ask_rpc.h"
#include "tools/connect.h"
#include "tools/lab_at.h"

/* Where an agent listens; where none is and one lab is up, that lab's: a newcomer need not know where. */
static const char *usual_server(void)
{
	static char server[PATH_MAX];
	unsigned int nodes;

	if (access(CONTROL_SERVER + 5, F_OK) == 0)
		return CONTROL_SERVER;
	if (!lab_server(server, &nodes)) {
		if (lab_several())
			fprintf(stderr, "several labs are up: --lab says which (%s)\n", lab_several());
		return CONTROL_SERVER;
	}
	if (nodes > 1 && lab_observer(NULL, server, &nodes) && nodes > 1) {
		lab_server(server, &nodes);
		fprintf(stderr, "asking %s; 'weir lab status' shows the other nodes (--server)\n", server);
	}
	return server;		/* of several nodes their relay, if it lives */
}

void ask_node_of(struct verb_want *want, const char *pod, char room[PATH_MAX])
{
	if (!connect_want.forward && !want->server && access(CONTROL_SERVER + 5, F_OK) && lab_server_of(pod, room))
		want->server = room;
}

/* Once: it may say which it chose. */
const char *ask_server(const struct verb_want *want)
{
	static const char *usual;

	if (connect_want.forward)
		return CONNECT_RELAY;	/* by gRPC; where exactly, kubectl tells */
	if (want->server)
		return want->server;
	if (!usual)
		usual = usual_server();
	return usual;
}

int ask_open(struct control **out, const struct verb_want *want)
{
	struct complaint why = { 0 };

	if (connect_want.debug)
		fprintf(stderr, "asking '%s'\n", ask_server(want));
	if (control_open(out, ask_server(want), &why))
		return verb_complain(VERB_UNREACHED, &why);
	return VERB_GO;
}

static int failed(int err, const struct complaint *why)
{
	if (err == -EINTR)
		return VERB_OK;		/* asked to end */
	return verb_complain(err == -EREMOTEIO ? VERB_FAILED : VERB_UNREACHED, why);
}

int ask_on(struct control *c, const Weir__V1__Request *ask, int ms, ask_fn each, void *ctx)
{
	struct complaint why = { 0 };
	int err = control_ask(c, ask, &why);

	return err ? failed(err, &why) : ask_more(c, ms, each, ctx);
}

int ask_more(struct control *c, int ms, ask_fn each, void *ctx)
{
	struct complaint why = { 0 };
	int code = VERB_GO, err;
	bool done = false;

	while (!done && code == VERB_GO) {
		Weir__V1__Reply *part;

		err = control_answer(c, &part, ms, &why);
		if (err)
			return failed(err, &why);
		code = each(ctx, part);
		done = part->done;
		weir__v1__reply__free_unpacked(part, NULL);
	}
	return code == VERB_GO ? VERB_OK : code;
}

int ask_each(const struct verb_want *want, const Weir__V1__Request *ask, int ms, ask_fn each, void *ctx)
{
	const char *server = ask_server(want);
	struct control *c;
	int code;

	if (ask_is_rpc(server))
		return ask_rpc(server, ask, each, ctx);
	code = ask_open(&c, want);
	if (code != VERB_GO)
		return code;
	code = ask_on(c, ask, ms, each, ctx);
	control_close(c);
	return code;
}
