// SPDX-License-Identifier: Apache-2.0
/* weir version: this program's, and that of whom it would ask. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base.h>

#include "lib/json_write.h"
#include "proto/observer/observer.pb-c.h"
#include "tools/connect.h"
#include "tools/verb.h"

static struct verb_want want;

static const struct opt options[] = {
	OPT_TABLE(connect_verb_options),
	OPT_HEAD("other"),
	VERB_OUTPUT_OPTIONS(&want),
	OPT_END
};

static const struct verb_help help = {
	"version [OPTION...]",
	"Prints this program's version, and the server's if one is there.",
	"0 said; a server that is named and not reached is 3", false,
	"  weir version\n"
	"  weir version --server relay.example:4245 -o json\n", NULL
};

static bool named(void)
{
	return connect_want.server || connect_want.lab || connect_want.forward;
}

/* VERB_GO with the version, or without one where nobody was named and nobody is there. */
static int ask_server(char **version, char **server)
{
	Observer__ServerStatusRequest ask = OBSERVER__SERVER_STATUS_REQUEST__INIT;
	Observer__ServerStatusResponse *status;
	struct complaint why = { 0 };
	struct connect *c;
	int code = VERB_GO;
	enum rpc_code end;

	if (!named() && access(CONNECT_SOCKET, F_OK))
		return VERB_GO;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	end = connect_try(c, "/observer.Observer/ServerStatus", &ask.base, &observer__server_status_response__descriptor, &status, &why);
	if (end == RPC_OK) {
		*version = strdup(status->version);
		*server = strdup(connect_server(c));
		protobuf_c_message_free_unpacked(&status->base, NULL);
	} else if (named()) {
		code = connect_failed(c, "/observer.Observer/ServerStatus", end, &why);
	}
	connect_close(c);
	return code;
}

static void print(const char *version, const char *server)
{
	struct json_out j;

	if (!want.json) {
		printf("weir %s (abi %d)\n", WEIR_VERSION, WEIR_ABI);
		if (version)
			printf("server %s: %s\n", server, version);
		return;
	}
	json_begin(&j, stdout, true);
	json_object(&j, NULL);
	json_text(&j, "version", WEIR_VERSION);
	json_uint(&j, "abi", WEIR_ABI);
	json_text(&j, "server", server);
	json_text(&j, "server_version", version);
	json_end(&j);
	json_done(&j);
}

int version_main(int argc, char **argv)
{
	char *version = NULL, *server = NULL;
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	code = ask_server(&version, &server);
	print(version, server);
	free(version);
	free(server);
	return code == VERB_GO ? VERB_OK : code;
}
