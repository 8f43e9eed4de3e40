// SPDX-License-Identifier: Apache-2.0
/* Flows of a server or a file, through the filters, to the printer, with the closing line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/flow/from_wire.h"
#include "tools/connect.h"
#include "tools/observe.h"
#include "tools/stored.h"
#include "tools/tally.h"
#include "tools/verb.h"

#define QUIET_MS 2000		/* who follows and sees nothing is told so */

struct seen {
	const struct observe_want *want;
	struct select *select;
	struct print *print;
	struct tally tally;
	struct reuse room;
	unsigned long long garbage;	/* messages that made no sense */
};

/* Whether a flow is one of those asked for, as far as a server may not have known. */
static bool passes(const struct seen *me, const Observer__GetFlowsResponse *r)
{
	struct flow_wire w;
	bool pass;

	if (r->response_types_case != OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW || !me->select->authors)
		return true;
	flow_from_wire(r->flow, &w);
	pass = select_pass(me->select, &w.flow);
	flow_wire_free(&w);
	return pass;
}

static int take(struct seen *me, const Observer__GetFlowsResponse *r)
{
	if (!passes(me, r))
		return VERB_GO;
	tally_add(&me->tally, r);
	print_flows(me->print, r);
	return VERB_GO;
}

static int on_message(void *ctx, const uint8_t *data, size_t size)
{
	struct seen *me = ctx;
	const Observer__GetFlowsResponse *r = reuse_unpack(&me->room, &observer__get_flows_response__descriptor, data, size);

	if (r)
		return take(me, r);
	me->garbage++;
	return VERB_GO;
}

/* Whoever read us has gone (head, less): that ends it, and is no error. */
static int on_idle(void *ctx)
{
	struct seen *me = ctx;

	return print_flush(me->print) ? VERB_OK : VERB_GO;
}

static void on_quiet(void *ctx)
{
	const struct seen *me = ctx;

	if (!me->want->how.silent)
		fprintf(stderr, "nothing yet: waiting for flows that match (Ctrl-C ends)\n");
}

static int on_stored(void *ctx, const Observer__GetFlowsResponse *r)
{
	struct seen *me = ctx;
	int code = take(me, r);

	return code != VERB_GO || ferror(stdout) ? -EPIPE : 0;
}

static bool lacks_namespace(char *const *pod, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(pod[i], '/') || !strncmp(pod[i], "default/", 8))
			return true;
	return false;
}

/* A name alone is one of the namespace 'default', which surprises where nothing lives there. */
static bool asks_default(const Observer__GetFlowsRequest *ask)
{
	for (size_t i = 0; i < ask->n_whitelist; i++) {
		const Flow__FlowFilter *f = ask->whitelist[i];

		if (lacks_namespace(f->source_pod, f->n_source_pod) || lacks_namespace(f->destination_pod, f->n_destination_pod))
			return true;
	}
	return false;
}

/* An empty answer is explained, and says what to do. */
static void explain_nothing(struct connect *c, const struct select *s)
{
	Observer__ServerStatusRequest ask = OBSERVER__SERVER_STATUS_REQUEST__INIT;
	Observer__ServerStatusResponse *status;
	bool filters = s->ask->n_whitelist || s->ask->n_blacklist || s->authors;
	struct complaint why;

	if (connect_try(c, "/observer.Observer/ServerStatus", &ask.base, &observer__server_status_response__descriptor, &status, &why))
		return;
	if (!status->num_flows)
		fprintf(stderr, "'%s' has no flows: none passed since it started %llu s ago\n", connect_server(c),
			(unsigned long long)status->uptime_ns / 1000000000);
	else if (filters)
		fprintf(stderr, "none of the %llu flows kept matches (%s--explain-filter says what was asked for; -f waits for new ones)\n",
			(unsigned long long)status->num_flows,
			asks_default(s->ask) ? "a pod named without a namespace is one of 'default': NAMESPACE/POD, or -n; " : "");
	else
		fprintf(stderr, "%llu flows are kept, none from that time (weir observe --last 20 shows the newest)\n",
			(unsigned long long)status->num_flows);
	protobuf_c_message_free_unpacked(&status->base, NULL);
}

static int ask_server(struct seen *me)
{
	struct connect_stream stream = {
		.path = "/observer.Observer/GetFlows", .ask = &me->select->ask->base, .message = on_message, .idle = on_idle,
		.ctx = me, .for_ms = me->want->for_ms,
	};
	struct connect *c;
	int code = connect_open(&c);

	if (code != VERB_GO)
		return code;
	if (me->select->follow) {
		stream.quiet_ms = QUIET_MS;
		stream.quiet = on_quiet;
	}
	code = connect_stream(c, &stream);
	if (code == VERB_GO && !me->tally.shown && !me->select->follow && !stream.interrupted && !me->want->how.silent)
		explain_nothing(c, me->select);
	connect_close(c);
	return code;
}

static int read_file(struct seen *me)
{
	struct complaint why = { 0 };
	int err = stored_each(me->select, on_stored, me, &why);

	return err && err != -EPIPE ? verb_complain(VERB_FAILED, &why) : VERB_GO;
}

static int finish(struct seen *me, int code)
{
	bool silent = me->want->how.silent;

	print_close(me->print);
	if (me->garbage && !silent)
		fprintf(stderr, "%llu messages made no sense and were left out\n", me->garbage);
	if (!silent && (code == VERB_GO || code == VERB_OK || me->tally.shown))
		tally_print(&me->tally, stderr);
	if (code != VERB_GO && code != VERB_OK)
		return code;
	if (me->want->require_complete && (me->garbage || !tally_complete(&me->tally)))
		return OBSERVE_INCOMPLETE;
	return me->tally.shown ? VERB_OK : VERB_NO;
}

int observe_flows(const struct observe_want *want, struct select *s)
{
	struct seen me = { .want = want, .select = s };
	const char *path[PRINT_MASK_MAX];
	unsigned int n = s->masked ? 0 : print_mask(&want->how, path);
	int code;

	if ((n && select_mask(s, path, n)) || print_open(&me.print, &want->how, stdout, stderr))
		return verb_fail(VERB_FAILED, "no memory");
	reuse_begin(&me.room);
	code = s->input ? read_file(&me) : ask_server(&me);
	code = finish(&me, code);
	reuse_end(&me.room);
	tally_free(&me.tally);
	return code;
}
