// SPDX-License-Identifier: Apache-2.0
/* weir health: does the server say that it serves.  weir reflect: which services it says it has. */
#include "lib/json_write.h"
#include "proto/grpc/health/v1/health.pb-c.h"
#include "proto/grpc/reflection/v1/reflection.pb-c.h"
#include "tools/connect.h"
#include "tools/reuse.h"
#include "tools/text.h"
#include "tools/verb.h"

static struct verb_want want;

static const struct opt options[] = {
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	OPT_FLAG('h', "help", &want.help, "say this"),
	OPT_END
};

int health_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"health [OPTION...]", "Asks the server whether it serves: for scripts and probes.", "0 it serves, 1 it does not", false,
		"  weir health --server localhost:4245 && echo well\n", NULL
	};
	Grpc__Health__V1__HealthCheckRequest ask = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	Grpc__Health__V1__HealthCheckResponse *answer;
	struct verb_words words;
	struct connect *c;
	bool serves;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	ask.service = "hubble.server.Observer";
	code = connect_ask(c, "/grpc.health.v1.Health/Check", &ask.base, &grpc__health__v1__health_check_response__descriptor, &answer);
	if (code == VERB_GO) {
		serves = answer->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
		puts(serves ? "SERVING" : "NOT_SERVING");
		code = serves ? VERB_OK : VERB_NO;
		grpc__health__v1__health_check_response__free_unpacked(answer, NULL);
	}
	connect_close(c);
	return code;
}

static int on_services(void *ctx, const uint8_t *data, size_t size)
{
	struct reuse *room = ctx;
	const Grpc__Reflection__V1__ServerReflectionResponse *r =
		reuse_unpack(room, &grpc__reflection__v1__server_reflection_response__descriptor, data, size);
	struct text t = { 0 };

	if (!r || r->message_response_case != GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE)
		return verb_fail(VERB_FAILED, "the answer lists no services");
	for (size_t i = 0; i < r->list_services_response->n_service; i++) {
		text_clean(&t, r->list_services_response->service[i]->name);
		text_char(&t, '\n');
	}
	fwrite(t.data, 1, t.n, stdout);
	text_free(&t);
	return VERB_OK;
}

int reflect_main(int argc, char **argv)
{
	static const struct verb_help help = {
		"reflect [OPTION...]", "Lists the gRPC services that the server says it has.", "0 listed", false,
		"  weir reflect --server localhost:4245\n", NULL
	};
	Grpc__Reflection__V1__ServerReflectionRequest ask = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	struct reuse room;
	struct connect_stream stream = {
		.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		.other = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", .ask = &ask.base, .message = on_services,
		.ctx = &room,
	};
	struct verb_words words;
	struct connect *c;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	ask.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
	ask.list_services = "*";
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	reuse_begin(&room);
	code = connect_stream(c, &stream);
	reuse_end(&room);
	connect_close(c);
	return code == VERB_GO ? VERB_OK : code;
}
