// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/rpc/dial.h"
#include "lib/rpc/reason.h"

#define AT_ONCE 16
#define PATIENCE_MS 3000

struct reason {
	struct rpc_loop *loop;
	struct dial dial;
	char *server, *name;
	char why[512];
	void (*fn)(const char *why, void *ctx);
	void *ctx;
	pthread_t thread;
	struct rpc_bell bell;
};

static atomic_int under_way;

static void reason_free(struct reason *r)
{
	if (r->dial.abort >= 0)
		close(r->dial.abort);
	pems_free(&r->dial.pems);
	free(r->server);
	free(r->name);
	free(r);
	atomic_fetch_sub(&under_way, 1);
}

static void tell(void *reason)
{
	struct reason *r = reason;

	pthread_join(r->thread, NULL);
	r->fn(r->why, r->ctx);
	reason_free(r);
}

static void *look(void *reason)
{
	struct reason *r = reason;

	dial_try(&r->dial, r->why, sizeof(r->why));
	rpc_bell_ring(r->loop, &r->bell);
	return NULL;
}

int reason_ask(struct reason **out, struct rpc_loop *loop, const struct reason_of *of,
	       void (*fn)(const char *why, void *ctx), void *ctx)
{
	struct reason *r;
	int err = 0;

	if (atomic_fetch_add(&under_way, 1) >= AT_ONCE) {
		atomic_fetch_sub(&under_way, 1);
		return -EAGAIN;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		atomic_fetch_sub(&under_way, 1);
		return -ENOMEM;
	}
	r->loop = loop;
	r->fn = fn;
	r->ctx = ctx;
	r->bell = (struct rpc_bell){ .fn = tell, .ctx = r };
	r->server = strdup(of->server);
	r->name = of->name ? strdup(of->name) : NULL;
	r->dial = (struct dial){ .server = r->server, .name = r->name, .tls = of->tls != NULL,
				 .until = rpc_now_ms() + PATIENCE_MS, .abort = eventfd(0, EFD_CLOEXEC) };
	if (!r->server || r->dial.abort < 0)
		err = -ENOMEM;
	if (!err && of->tls)
		err = client_tls_pems(of->tls, &r->dial.pems, &r->dial.insecure);
	if (!err)
		err = -pthread_create(&r->thread, NULL, look, r);
	if (err)
		reason_free(r);
	else
		*out = r;
	return err;
}

void reason_abort(struct reason *r)
{
	eventfd_write(r->dial.abort, 1);
}
