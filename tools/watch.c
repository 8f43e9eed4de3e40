// SPDX-License-Identifier: Apache-2.0
/* weir watch peers: nodes, as a server hears of them. */
#include <string.h>

#include "lib/wire/json.h"
#include "proto/peer/peer.pb-c.h"
#include "tools/connect.h"
#include "tools/reuse.h"
#include "tools/text.h"
#include "tools/verb.h"

static struct verb_want want;
static unsigned int for_ms;

static const struct opt options[] = {
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	OPT_DURATION(0, "for", &for_ms, "TIME", "end by itself after so long"),
	VERB_OUTPUT_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"watch peers [OPTION...]",
	"Prints the nodes that an agent knows, and then those that come, go or change, until interrupted.",
	"0 some were printed, 1 none", false,
	"  weir watch peers --server unix:///run/weir/observer.sock\n", NULL
};

struct seen {
	struct reuse room;
	unsigned int n;
};

static void print(const Peer__ChangeNotification *p)
{
	const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(&peer__change_notification_type__descriptor, p->type);
	struct text t = { 0 };

	text_print(&t, "%-13s ", type ? type->name : "UNKNOWN");
	text_clean(&t, p->address);
	text_char(&t, ' ');
	text_clean(&t, p->name);
	if (p->tls) {
		text_put(&t, " (TLS.ServerName: ");
		text_clean(&t, p->tls->server_name);
		text_char(&t, ')');
	}
	text_char(&t, '\n');
	fwrite(t.data, 1, t.n, stdout);
	text_free(&t);
}

static int on_peer(void *ctx, const uint8_t *data, size_t size)
{
	struct seen *me = ctx;
	const Peer__ChangeNotification *p = reuse_unpack(&me->room, &peer__change_notification__descriptor, data, size);
	struct json_out j;

	if (!p)
		return VERB_GO;
	me->n++;
	if (want.json) {
		json_begin(&j, stdout, false);
		wire_json(&j, NULL, &p->base);
		json_done(&j);
	} else {
		print(p);
	}
	return fflush(stdout) ? VERB_OK : VERB_GO;
}

static int peers_main(int argc, char **argv)
{
	Peer__NotifyRequest ask = PEER__NOTIFY_REQUEST__INIT;
	struct seen me = { .n = 0 };
	struct connect_stream stream = { .path = "/peer.Peer/Notify", .ask = &ask.base, .message = on_peer, .ctx = &me };
	struct verb_words words;
	struct connect *c;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	reuse_begin(&me.room);
	stream.for_ms = for_ms;
	code = connect_stream(c, &stream);
	reuse_end(&me.room);
	connect_close(c);
	if (code != VERB_GO && code != VERB_OK)
		return code;
	return me.n ? VERB_OK : VERB_NO;
}

int watch_main(int argc, char **argv)
{
	static const struct verb verbs[] = { { "peers", peers_main, "nodes, as they come and go" }, { NULL, NULL, NULL } };

	return verb_run(verbs, "weir watch", "Prints what changes.", argc, argv);
}
