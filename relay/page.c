// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/log.h"
#include "lib/rpc/unix.h"
#include "relay/access.h"
#include "relay/page_files.h"
#include "relay/page_inside.h"
#include "relay/when.h"
#include "weir/v1/relay.pb-c.h"

#define GZIP_FROM 1024			/* smaller answers are not worth it */
#define GZIP_WINDOW 14			/* 16 KiB, and so 96 KiB to deflate; the usual 15 and 8 take 256, and a map is no smaller for it */
#define GZIP_MEMORY 6

/* The page asks nobody else, runs nothing that did not come with it, and is in nobody's frame. */
static const char guards[] =
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
	"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n";
static const char fresh[] = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n";
static const char revalidate[] = "Cache-Control: private, no-cache\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n";

static void refuse(struct http_ask *ask, unsigned int status, const char *fields, const char *text)
{
	struct json_out j;
	char *body = NULL, all[512];
	size_t size = 0;
	FILE *to = open_memstream(&body, &size);

	if (!to) {
		http_answer_text(ask, 503, "no memory\n");
		return;
	}
	json_begin(&j, to, false);
	json_object(&j, NULL);
	json_text(&j, "error", text);
	json_end(&j);
	json_done(&j);
	fclose(to);
	snprintf(all, sizeof(all), "%s%s", fresh, fields);
	http_answer(ask, &(struct http_answer){ .status = status, .type = "application/json", .fields = all, .body = body,
						.size = size, .release = free, .ctx = body });
}

void page_refuse(struct http_ask *ask, unsigned int status, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	refuse(ask, status, "", text);
}

/* No other site's page may ask in this browser's name: an Origin that is not ours, or a browser's word that it is another site's.
 * The same name by plain HTTP is another site, too; behind somebody else's TLS we cannot know. */
static bool is_ours(struct http_ask *ask)
{
	const char *origin = http_field(ask, "origin"), *host = http_field(ask, "host"), *site = http_field(ask, "sec-fetch-site");
	const char *at = strstr(origin, "://");
	bool ours = at && !strcasecmp(at + 3, host) && (!http_secure(ask) || !strncasecmp(origin, "https:", 6));

	if ((*origin && !ours) || (*site && strcmp(site, "same-origin") && strcmp(site, "none")) || (http_posted(ask) && !*origin)) {
		page_refuse(ask, 403, http_posted(ask) && !*origin ? "what is posted must say by Origin which page it comes from" :
			    "asked by a page of another site");
		return false;
	}
	return true;
}

/* What shows data, or changes anything.  The page's own files are in everybody's hands anyway. */
static bool is_guarded(const struct http_ask *ask)
{
	return http_posted(ask) || !strncmp(http_path(ask), "/api/", 5);
}

static bool admit(void *ctx, struct http_ask *ask)
{
	struct page *p = ctx;
	struct access *a = p->relay->access;
	char wait[64];

	if (!is_guarded(ask))
		return true;
	if (!is_ours(ask)) {
		access_foreign(a);
		return false;
	}
	if (http_posted(ask))
		return true;		/* whoever signs in has nothing to show yet */
	switch (access_of(a, ask)) {
	case ACCESS_NONE:
		refuse(ask, 401, "WWW-Authenticate: Bearer realm=\"weir\"\r\n", access_by_token(a) ?
		       "sign in at /sign-in, or send 'Authorization: Bearer TOKEN'" : "a client's certificate is needed");
		return false;
	case ACCESS_WAIT:
		snprintf(wait, sizeof(wait), "Retry-After: %u\r\n", access_wait(a, ask));
		refuse(ask, 429, wait, "too many wrong tokens came from this address: wait a minute");
		return false;
	default:
		return true;
	}
}

/* A stream ends with the right to see it. */
static bool stays(void *ctx, const struct http_ask *ask)
{
	struct page *p = ctx;

	return access_still(p->relay->access, ask) > ACCESS_WAIT;
}

static void on_file(void *ctx, struct http_ask *ask)
{
	const char *path = http_path(ask);

	for (unsigned int i = 0; i < page_files_count; i++) {
		const struct page_file *f = &page_files[i];
		bool gzip = f->gzip && http_accepts_gzip(ask);

		if (strcmp(f->path, path))
			continue;
		http_answer(ask, &(struct http_answer){ .type = f->type, .fields = *path && !path[1] ? guards : revalidate,
							.etag = f->etag, .gzip = gzip, .body = gzip ? f->gzip : f->bytes,
							.size = gzip ? f->gzip_size : f->size });
		return;
	}
	http_answer_text(ask, 404, "nothing is here; the page is at /\n");
}

static void on_left(void *ctx)
{
	struct page_answer *a = ctx;

	a->ask = NULL;
}

void page_later(struct page_answer *a, struct page *p, struct http_ask *ask)
{
	a->page = p;
	a->ask = ask;
	a->gzip = http_accepts_gzip(ask);
	p->asking++;
	http_later(ask, on_left, a);
}

/* Smaller, or as it was. */
static bool squeeze(struct page_answer *a)
{
	z_stream z = { 0 };
	char *to;

	if (!a->gzip || a->size < GZIP_FROM || deflateInit2(&z, 1, Z_DEFLATED, GZIP_WINDOW + 16, GZIP_MEMORY, Z_DEFAULT_STRATEGY))
		return false;
	z.avail_out = deflateBound(&z, a->size);
	to = malloc(z.avail_out);
	z.next_in = (Bytef *)a->body;
	z.avail_in = a->size;
	z.next_out = (Bytef *)to;
	if (!to || deflate(&z, Z_FINISH) != Z_STREAM_END || z.total_out >= a->size) {
		deflateEnd(&z);
		free(to);
		return false;
	}
	free(a->body);
	a->body = to;
	a->size = z.total_out;
	deflateEnd(&z);
	return true;
}

static void tag(const struct page_answer *a, char out[24])
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < a->size; i++)
		h = (h ^ (unsigned char)a->body[i]) * 0x100000001b3ULL;
	snprintf(out, 24, "\"%016llx\"", (unsigned long long)h);
}

void page_answer_send(struct page_answer *a)
{
	char etag[24] = "";
	bool gzip;

	a->page->asking--;
	if (!a->ask) {
		free(a->body);
		return;
	}
	if (!a->body) {
		page_refuse(a->ask, 503, "no memory");
		return;
	}
	if (a->tagged)
		tag(a, etag);
	gzip = squeeze(a);
	http_answer(a->ask, &(struct http_answer){ .status = a->status, .type = "application/json",
						   .fields = a->tagged ? revalidate : fresh, .etag = *etag ? etag : NULL,
						   .gzip = gzip, .body = a->body, .size = a->size, .release = free,
						   .ctx = a->body });
}

/* -- the start -- */

static int open_self(struct page *p, struct complaint *why)
{
	struct rpc_unix at = { .mode = 0600 };
	char path[600], server[620];
	int err;

	if (snprintf(path, sizeof(path), "%s/page.sock", p->relay->settings.data) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	snprintf(server, sizeof(server), "unix:%s", path);
	at.path = path;
	err = rpc_unix_listen(p->relay->server, &at, why);
	return err ?: rpc_channel_open(&p->self, p->relay->rpc, &(struct rpc_target){ .server = server, .window = 65536 }, why);
}

static int routes(struct page *p);

static int listen_here(struct page *p, struct complaint *why)
{
	const struct settings *s = &p->relay->settings;
	bool secure = access_tls(p->relay->access);
	int host = strrchr(s->page, ':') - s->page, err = http_listen(p->http, s->page, why);

	if (err)
		return err;
	access_port(p->relay->access, http_port(p->http));
	p->relay->page_http = p->http;
	p->relay->page_feeds = p->feeds;
	log_info("the page is at http%s://%.*s:%u/%s", secure ? "s" : "", host ? host : 9, host ? s->page : "localhost",
		 http_port(p->http), access_by_token(p->relay->access) ? ", for who has a token" : "");
	return 0;
}

int page_open(struct page **out, struct relay *relay, struct complaint *why)
{
	struct http_options options = { .connections = 256, .tls = access_tls(relay->access), .admit = admit, .stays = stays };
	struct feeds_options feeds = { .rpc = relay->rpc, .loop = relay->loop, .flows = relay->flows, .news = page_flows_news };
	struct page *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->relay = relay;		/* not ours */
	memcpy(p->host, relay->settings.page_host.value, relay->settings.page_host.n * sizeof(*p->host));
	options.host = p->host;
	options.ctx = p;
	err = past_open(&p->past, 0) ?: open_self(p, why) ?: feeds_open(&p->feeds, &feeds) ?:
	      http_open(&p->http, relay->loop, &options) ?: routes(p) ?: listen_here(p, why);
	if (err) {
		page_close(p);
		return err;
	}
	page_ticked(p);
	*out = p;
	return 0;
}

void page_stop(struct page *p)
{
	p->stopped = true;
	rpc_timer_stop(p->relay->rpc, &p->tick);
	page_unary_stop(p);
	feeds_stop(p->feeds);
}

void page_close(struct page *p)
{
	if (!p)
		return;
	p->relay->page_http = NULL;
	p->relay->page_feeds = NULL;
	http_close(p->http);
	feeds_close(p->feeds);
	rpc_channel_close(p->self);
	past_close(p->past);
	free(p);
}

/* -- what is asked of gRPC as it is -- */

static const struct page_unary status = { "/weir.v1.Relay/ClusterStatus", &weir__v1__cluster_status__descriptor, "cluster" };
static const struct page_unary policies = { "/weir.v1.Relay/Policies", &weir__v1__cluster_policies__descriptor, "policies" };
static const struct page_unary why_asked = { "/weir.v1.Relay/Why", &weir__v1__cluster_why__descriptor, "why" };

static void on_status(void *ctx, struct http_ask *ask)
{
	Weir__V1__ClusterStatusRequest request = WEIR__V1__CLUSTER_STATUS_REQUEST__INIT;

	page_unary(ctx, ask, &status, &request.base);
}

static void on_policies(void *ctx, struct http_ask *ask)
{
	Weir__V1__PoliciesRequest request = WEIR__V1__POLICIES_REQUEST__INIT;

	page_unary(ctx, ask, &policies, &request.base);
}

static void on_why(void *ctx, struct http_ask *ask)
{
	Weir__V1__WhyRequest request = WEIR__V1__WHY_REQUEST__INIT;
	char from[600] = "", to[600] = "", port[16] = "", proto[16] = "TCP", *end;

	if (http_query_value(ask, "from", from, sizeof(from)) < 1 || http_query_value(ask, "to", to, sizeof(to)) < 1) {
		page_refuse(ask, 400, "from and to are needed: namespace/pod, or an address");
		return;
	}
	http_query_value(ask, "port", port, sizeof(port));
	http_query_value(ask, "proto", proto, sizeof(proto));
	request.port = strtoul(*port ? port : "0", &end, 10);
	if (*end || request.port > 65535) {
		page_refuse(ask, 400, "port is a number from 1 to 65535");
		return;
	}
	request.source = from;
	request.destination = to;
	request.protocol = proto;
	page_unary(ctx, ask, &why_asked, &request.base);
}

static void on_unknown(void *ctx, struct http_ask *ask)
{
	page_refuse(ask, 404, "no such thing in the API: status, map, strip, flows, complete, policies, why, session");
}

static int routes(struct page *p)
{
	return http_at(p->http, "/", on_file, p) ?: http_at(p->http, "/api/", on_unknown, p) ?:
	       http_at(p->http, "/api/v1/status", on_status, p) ?: http_at(p->http, "/api/v1/policies", on_policies, p) ?:
	       http_at(p->http, "/api/v1/why", on_why, p) ?: http_at(p->http, "/api/v1/map", page_map, p) ?:
	       http_at(p->http, "/api/v1/strip", page_strip, p) ?: http_at(p->http, "/api/v1/flows", page_flows, p) ?:
	       http_at(p->http, "/api/v1/complete", page_complete, p) ?: page_sign_routes(p);
}
