// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <grpc/support/log.h>

#include "lib/log.h"
#include "lib/rpc/core_log.h"
#include "lib/rpc/seldom.h"

static _Thread_local char *watched;
static _Thread_local size_t watched_size;
static _Atomic uint64_t handshakes;
static atomic_bool serving;

/* "Handshake failed with fatal error SSL_ERROR_SSL: error:0A000126:SSL routines::unexpected eof while reading."
 * is of use from "routines" on. */
static const char *short_reason(const char *text)
{
	const char *p = strstr(text, "SSL routines:");

	if (!p)
		return text;
	p += strlen("SSL routines:");
	p = strchr(p, ':') ? strchr(p, ':') + 1 : p;
	return p + strspn(p, ": ");
}

static void handshake_failed(const char *text)
{
	static struct seldom said;
	char more[SELDOM_MORE];
	char reason[200];

	atomic_fetch_add(&handshakes, 1);
	if (!atomic_load(&serving) || !seldom(&said, more))
		return;
	snprintf(reason, sizeof(reason), "%s", short_reason(text));
	reason[strcspn(reason, "\n")] = '\0';
	if (*reason && reason[strlen(reason) - 1] == '.')
		reason[strlen(reason) - 1] = '\0';
	log_warn("a TLS handshake failed: %s%s", reason, more);
}

static void on_log(gpr_log_func_args *args)
{
	if (args->severity == GPR_LOG_SEVERITY_ERROR && watched)
		snprintf(watched, watched_size, "%s", args->message);
	if (strstr(args->message, "Handshake failed with fatal error"))
		handshake_failed(args->message);
	else if (args->severity >= GPR_LOG_SEVERITY_INFO)
		log_debug("grpc: %s", args->message);
}

void core_log_open(void)
{
	gpr_set_log_function(on_log);
	gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

void core_log_serving(void)
{
	atomic_store(&serving, true);
}

void core_log_watch(char *text, size_t size)
{
	watched = text;
	watched_size = size;
}

uint64_t core_log_handshakes(void)
{
	return atomic_load(&handshakes);
}
