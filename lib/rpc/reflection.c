// SPDX-License-Identifier: Apache-2.0
/* v1 and v1alpha differ in the name of the service alone: the messages are the same, to the field number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/descriptors.h"
#include "lib/rpc/reflection.h"
#include "lib/wire/unpack.h"
#include "proto/grpc/reflection/v1/reflection.pb-c.h"

#define SERVICES 32

typedef Grpc__Reflection__V1__ServerReflectionRequest request_msg;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_msg;
#define ASKED(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define SAID(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

struct rpc_reflection {
	struct rpc_server *server;
	const void *set;
	size_t size;
};

/* The answer of a call that waits to be sent. */
struct kept {
	size_t size;
	uint8_t data[];
};

static void keep(struct rpc_call *c, const response_msg *m)
{
	size_t size = protobuf_c_message_get_packed_size(&m->base);
	struct kept *k = malloc(sizeof(*k) + size);

	free(*rpc_call_user(c));
	*rpc_call_user(c) = k;
	if (!k) {
		rpc_call_finish(c, RPC_RESOURCE_EXHAUSTED, "there is no memory for the answer");
		return;
	}
	k->size = protobuf_c_message_pack(&m->base, k->data);
}

static enum rpc_next next_kept(struct rpc_call *c, struct rpc_out *out, void *ctx)
{
	struct kept *k = *rpc_call_user(c);

	if (rpc_call_stopping(c))
		rpc_call_finish(c, RPC_UNAVAILABLE, "the server is shutting down");
	if (!k)
		return RPC_IDLE;
	rpc_out_copy(out, k->data, k->size);
	free(k);
	*rpc_call_user(c) = NULL;
	return RPC_MESSAGE;
}

static void call_gone(struct rpc_call *c, bool gone, void *ctx)
{
	free(*rpc_call_user(c));
}

static void say_error(response_msg *m, Grpc__Reflection__V1__ErrorResponse *e, enum rpc_code code, char *text)
{
	e->error_code = (int)code;
	e->error_message = text;
	m->message_response_case = SAID(ERROR_RESPONSE);
	m->error_response = e;
}

static void keep_missing(struct rpc_call *c, response_msg *m, enum rpc_code code, char *text)
{
	Grpc__Reflection__V1__ErrorResponse e = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

	say_error(m, &e, code, text);
	keep(c, m);
}

static void keep_file(struct rpc_call *c, response_msg *m, const struct span *file)
{
	Grpc__Reflection__V1__FileDescriptorResponse files = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
	ProtobufCBinaryData bytes = { .data = (uint8_t *)file->data, .len = file->size };

	files.n_file_descriptor_proto = 1;
	files.file_descriptor_proto = &bytes;
	m->message_response_case = SAID(FILE_DESCRIPTOR_RESPONSE);
	m->file_descriptor_response = &files;
	keep(c, m);
}

/* "/observer.Observer/GetFlows" and the like, each service once. */
static size_t services_of(const struct rpc_server *s, char names[][128])
{
	struct rpc_method_stats m;
	size_t n = 0;

	for (unsigned int i = 0; rpc_server_method(s, i, &m) && n < SERVICES; i++) {
		const char *slash = strrchr(m.path, '/');
		size_t length = slash ? (size_t)(slash - m.path) : 0, j = 0;

		if (length < 2 || length > 128)
			continue;
		memcpy(names[n], m.path + 1, length - 1);
		names[n][length - 1] = '\0';
		while (j < n && strcmp(names[j], names[n]))
			j++;
		n += j == n;
	}
	return n;
}

static void keep_services(struct rpc_call *c, response_msg *m, const struct rpc_reflection *r)
{
	Grpc__Reflection__V1__ListServiceResponse list = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	Grpc__Reflection__V1__ServiceResponse one[SERVICES], *all[SERVICES];
	char names[SERVICES][128];
	size_t n = services_of(r->server, names);

	for (size_t i = 0; i < n; i++) {
		grpc__reflection__v1__service_response__init(&one[i]);
		one[i].name = names[i];
		all[i] = &one[i];
	}
	list.n_service = n;
	list.service = all;
	m->message_response_case = SAID(LIST_SERVICES_RESPONSE);
	m->list_services_response = &list;
	keep(c, m);
}

static void answer(struct rpc_call *c, const struct rpc_reflection *r, request_msg *ask)
{
	response_msg m = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	struct span file;

	m.valid_host = ask->host;
	m.original_request = ask;
	switch (ask->message_request_case) {
	case ASKED(LIST_SERVICES):
		keep_services(c, &m, r);
		break;
	case ASKED(FILE_BY_FILENAME):
		if (descriptors_file(r->set, r->size, ask->file_by_filename, &file))
			keep_file(c, &m, &file);
		else
			keep_missing(c, &m, RPC_NOT_FOUND, "there is no such file");
		break;
	case ASKED(FILE_CONTAINING_SYMBOL):
		if (descriptors_symbol(r->set, r->size, ask->file_containing_symbol, &file))
			keep_file(c, &m, &file);
		else
			keep_missing(c, &m, RPC_NOT_FOUND, "there is no such symbol");
		break;
	case ASKED(FILE_CONTAINING_EXTENSION):
	case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
		keep_missing(c, &m, RPC_NOT_FOUND, "there are no extensions");
		break;
	default:
		keep_missing(c, &m, RPC_INVALID_ARGUMENT, "the request asks for nothing");
	}
}

static void on_request(struct rpc_call *c, const uint8_t *data, size_t size, void *ctx)
{
	request_msg *ask = unpack_message(&grpc__reflection__v1__server_reflection_request__descriptor, data, size);

	if (!ask) {
		rpc_call_finish(c, RPC_INVALID_ARGUMENT, "this is no ServerReflectionRequest");
		return;
	}
	answer(c, ctx, ask);
	unpack_free(ask);
}

static const struct rpc_method methods[] = {
	{ .path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", .request = on_request,
	  .next = next_kept, .closed = call_gone, .many = true },
	{ .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", .request = on_request,
	  .next = next_kept, .closed = call_gone, .many = true },
};

int rpc_reflection_new(struct rpc_reflection **out, struct rpc_server *s, const void *descriptors, size_t size)
{
	struct rpc_reflection *r;
	int err;

	if (!descriptors_valid(descriptors, size))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->server = s;
	r->set = descriptors;
	r->size = size;
	err = rpc_server_add(s, methods, sizeof(methods) / sizeof(*methods), r);
	if (err) {
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void rpc_reflection_free(struct rpc_reflection *r)
{
	free(r);
}
