// SPDX-License-Identifier: Apache-2.0
/* Signing in and out: a form that needs no script, and a cookie. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/access.h"
#include "relay/page_files.h"
#include "relay/page_inside.h"
#include "relay/tokens.h"

#define FORM "/signin.html"
#define SAID "<!--said-->"		/* where the form says what was wrong */

/* The form may be sent to us and to nobody else; what is sent must say where it comes from. */
static const char guards[] =
	"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
	"frame-ancestors 'none'\r\n"
	"Cache-Control: no-store\r\nReferrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n";

static const struct page_file *form(void)
{
	for (unsigned int i = 0; i < page_files_count; i++)
		if (!strcmp(page_files[i].path, FORM))
			return &page_files[i];
	return NULL;
}

/* 'said' is ours, never what was sent. */
static void show_form(struct http_ask *ask, unsigned int status, const char *said, const char *fields)
{
	const struct page_file *f = form();
	const char *mark = f ? memmem(f->bytes, f->size, SAID, strlen(SAID)) : NULL;
	size_t before, size, n = strlen(said);
	char *body, all[sizeof(guards) + 128];

	body = mark ? malloc(f->size + n) : NULL;
	if (!body) {
		http_answer_text(ask, 503, "no memory\n");
		return;
	}
	before = mark - (const char *)f->bytes;
	memcpy(body, f->bytes, before);
	memcpy(body + before, said, n);
	size = f->size - before - strlen(SAID);
	memcpy(body + before + n, mark + strlen(SAID), size);
	snprintf(all, sizeof(all), "%s%s", guards, fields);
	http_answer(ask, &(struct http_answer){ .status = status, .type = f->type, .fields = all, .body = body,
						.size = before + n + size, .release = free, .ctx = body });
}

static void on_form(void *ctx, struct http_ask *ask)
{
	show_form(ask, 200, "", "");
}

static void on_sign_in(void *ctx, struct http_ask *ask)
{
	struct page *p = ctx;
	char token[TOKEN_LONGEST + 1] = "", cookie[ACCESS_COOKIE], fields[ACCESS_COOKIE + 64];
	int err = http_body_value(ask, "token", token, sizeof(token)) < 0 ? -EACCES :
		  access_sign_in(p->relay->access, ask, token, cookie);

	explicit_bzero(token, sizeof(token));
	if (err == -EAGAIN) {
		snprintf(fields, sizeof(fields), "Retry-After: %u\r\n", access_wait(p->relay->access, ask));
		show_form(ask, 429, "Too many wrong tokens came from your address. Wait a minute.", fields);
	} else if (err) {
		show_form(ask, err == -EACCES ? 401 : 503, err == -EACCES ? "That token does not hold." : "No memory.", "");
	} else {
		snprintf(fields, sizeof(fields), "Location: /\r\nCache-Control: no-store\r\n%s", cookie);
		http_answer(ask, &(struct http_answer){ .status = 303, .fields = fields });
	}
}

static void on_sign_out(void *ctx, struct http_ask *ask)
{
	struct page *p = ctx;
	char cookie[ACCESS_COOKIE];

	access_sign_out(p->relay->access, ask, cookie);
	http_answer(ask, &(struct http_answer){ .status = 204, .fields = cookie });
}

/* By what the one who asks is let in: {"by": "session", "left": 43200000}. */
static void on_session(void *ctx, struct http_ask *ask)
{
	static const char *const words[] = { [ACCESS_OPEN] = "open", [ACCESS_CERTIFICATE] = "certificate", [ACCESS_TOKEN] = "token",
					     [ACCESS_SESSION] = "session" };
	struct page *p = ctx;
	enum access_how how = access_still(p->relay->access, ask);
	struct page_answer a = { .page = p, .ask = ask };
	struct json_out j;
	FILE *to = open_memstream(&a.body, &a.size);

	p->asking++;
	if (to) {
		json_begin(&j, to, false);
		json_object(&j, NULL);
		json_text(&j, "by", words[how] ? words[how] : "");
		if (how == ACCESS_SESSION)
			json_uint(&j, "left", access_left(p->relay->access, ask));
		json_end(&j);
		json_done(&j);
		fclose(to);
	}
	page_answer_send(&a);
}

int page_sign_routes(struct page *p)
{
	int err = http_at(p->http, "/api/v1/session", on_session, p);

	if (err || !access_by_token(p->relay->access))
		return err;
	return http_at(p->http, "/sign-in", on_form, p) ?: http_post_at(p->http, "/sign-in", on_sign_in, p) ?:
	       http_post_at(p->http, "/sign-out", on_sign_out, p);
}
