// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "tools/ask.h"

int ask_open(struct control **out, const struct verb_want *want)
{
	struct complaint why = { 0 };

	if (control_open(out, want->server, &why))
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
	int err = control_ask(c, ask, &why), code = VERB_GO;
	bool done = false;

	if (err)
		return failed(err, &why);
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
	struct control *c;
	int code = ask_open(&c, want);

	if (code != VERB_GO)
		return code;
	code = ask_on(c, ask, ms, each, ctx);
	control_close(c);
	return code;
}
