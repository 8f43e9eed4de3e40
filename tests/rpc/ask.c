// SPDX-License-Identifier: Apache-2.0
/*
 * One call, for servers that we did not write.
 *
 *	ask SERVER PATH TEXT [--tls CA CERT KEY] [--name NAME] [--pause N] [--cancel N] [--deadline MS]
 *
 * Prints each message, then "end CODE reached|unreached TEXT".  --pause: reads no more for 300 ms after N messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/client.h"
#include "lib/rpc/credentials.h"

static struct rpc_loop *loop;
static unsigned long pause_at, cancel_at, messages;
static struct rpc_timer timer;

static void go_on(void *ask)
{
	rpc_ask_read(ask);
}

static bool on_message(struct rpc_ask *a, const uint8_t *data, size_t size, void *ctx)
{
	messages++;
	if (messages <= 3)
		printf("message %.*s\n", (int)size, data);
	if (messages == cancel_at)
		rpc_ask_cancel(a);
	if (messages != pause_at)
		return true;
	rpc_timer_set(loop, &timer, 300, go_on, a);
	return false;
}

static void on_began(struct rpc_ask *a, void *ctx)
{
	printf("began %s\n", rpc_ask_header(a, "x-test") ? rpc_ask_header(a, "x-test") : "none");
}

static void on_end(struct rpc_ask *a, const struct rpc_end *end, void *ctx)
{
	printf("messages %lu\nend %s %s %s\n", messages, rpc_code_name(end->code), end->reached ? "reached" : "unreached",
	       end->text);
	rpc_loop_stop(loop);
}

int main(int argc, char **argv)
{
	struct rpc_header header = { "x-from", "weir" };
	struct rpc_ask_options o = { .headers = &header, .n_headers = 1, .began = on_began, .message = on_message,
				     .ended = on_end };
	struct rpc_client_tls *tls = NULL;
	struct rpc_channel *ch;
	struct complaint why = { 0 };
	struct rpc_target to = { 0 };
	struct rpc_ask *a;

	if (argc < 4)
		return 2;
	to.server = argv[1];
	o.path = argv[2];
	o.data = argv[3];
	o.size = strlen(argv[3]);
	for (int i = 4; i < argc; i++) {
		if (!strcmp(argv[i], "--name"))
			to.name = argv[++i];
		else if (!strcmp(argv[i], "--pause"))
			pause_at = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--cancel"))
			cancel_at = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--deadline"))
			o.deadline_ms = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--tls")) {
			struct rpc_tls_files files = { .ca = argv[i + 1], .cert = argv[i + 2], .key = argv[i + 3] };

			i += 3;
			if (rpc_client_tls_open(&tls, &files, &why)) {
				printf("error %s\n", why.text);
				return 1;
			}
			to.tls = tls;
		}
	}
	rpc_loop_open(&loop);
	if (rpc_channel_open(&ch, loop, &to, &why) || rpc_ask(&a, ch, &o)) {
		printf("error %s\n", why.text);
		return 1;
	}
	rpc_loop_run(loop);
	rpc_channel_close(ch);
	rpc_client_tls_close(tls);
	rpc_loop_close(loop);
	return 0;
}
