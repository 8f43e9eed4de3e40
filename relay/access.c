// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"
#include "lib/http/http.h"
#include "lib/http/tls.h"
#include "lib/log.h"
#include "relay/access.h"
#include "relay/guesses.h"
#include "relay/sessions.h"
#include "relay/settings.h"
#include "relay/when.h"

#define TELL_MS 60000			/* a warning of wrong tokens at most so often */

struct access {
	struct http_tls *tls;		/* NULL: plain text */
	struct tokens *tokens;		/* NULL: none */
	bool by_certificate;
	char cookie[32];		/* its name */
	struct sessions sessions;
	struct guesses guesses;
	struct access_counts counts;
	uint64_t told;			/* when wrong tokens were logged last; milliseconds */
};

/* -- what is asked of the settings -- */

static bool is_loopback(const char *at)
{
	const char *colon = strrchr(at, ':');
	struct weir_addr a;
	char host[64];
	int n = colon ? colon - at : 0;
	bool brackets = n > 2 && at[0] == '[' && at[n - 1] == ']';

	if (snprintf(host, sizeof(host), "%.*s", brackets ? n - 2 : n, at + brackets) >= (int)sizeof(host) || addr_parse(host, &a))
		return false;
	return addr_is_v4(&a) ? a.byte[12] == 127 : !memcmp(&a, &(struct weir_addr){ .byte = { [15] = 1 } }, sizeof(a));
}

static int refuse(struct complaint *why, const char *text, const char *what)
{
	complaint_set(why, 0, 0, text, what);
	return -EINVAL;
}

#define PAGE_NEEDS "'--page %s' is no loopback address: "
#define OR_LOOPBACK " (or serve it at 127.0.0.1 and reach it by kubectl port-forward or ssh -L)"

static int check_words(const struct settings *s, struct complaint *why)
{
	bool shown = s->page_token_file || s->page_client_ca;

	if (!s->page && (s->page_cert || s->page_key || shown || s->page_host.n))
		return refuse(why, "'--page-%s' says how the page is served: '--page' says where, and is missing",
			      s->page_cert ? "cert" : s->page_key ? "key" : s->page_token_file ? "token-file" :
			      s->page_client_ca ? "client-ca" : "host");
	if (!s->page)
		return 0;
	if (!s->page_cert != !s->page_key)
		return refuse(why, "'--page-%s' is missing: certificate and key belong together", s->page_cert ? "key" : "cert");
	if (s->page_client_ca && !s->page_cert)
		return refuse(why, "'--page-client-ca %s' is for TLS: '--page-cert' and '--page-key' are missing", s->page_client_ca);
	if (s->page_session_ms < 1000 || s->page_session_ms > 30U * 86400000)
		return refuse(why, "'--page-session' is from 1s to 720h%s", "");
	if (is_loopback(s->page))
		return 0;
	if (!s->page_cert)
		return refuse(why, PAGE_NEEDS "give '--page-cert' and '--page-key', and '--page-token-file' or '--page-client-ca'"
			      OR_LOOPBACK, s->page);
	if (!shown)
		return refuse(why, PAGE_NEEDS "say who may see it by '--page-token-file' or '--page-client-ca'" OR_LOOPBACK, s->page);
	return 0;
}

int access_check(const struct settings *s, struct complaint *why)
{
	struct access *a = NULL;
	int err = check_words(s, why);

	if (err || !s->page)
		return err;
	err = http_check(s->page, why) ?: access_open(&a, s, why);
	access_close(a);
	return err;
}

int access_open(struct access **out, const struct settings *s, struct complaint *why)
{
	struct access *a = calloc(1, sizeof(*a));
	struct http_tls_options options = { .files = { .ca = s->page_client_ca, .cert = s->page_cert, .key = s->page_key },
					    .must = !s->page_token_file };
	int err = 0;

	if (!a)
		return -ENOMEM;
	a->by_certificate = s->page_client_ca;
	a->sessions.lasts = s->page_session_ms;
	access_port(a, 0);
	if (s->page_cert)
		err = http_tls_open(&a->tls, &options, why);
	if (!err && s->page_token_file)
		err = tokens_open(&a->tokens, s->page_token_file, why);
	if (err) {
		access_close(a);
		return err;
	}
	*out = a;
	return 0;
}

void access_close(struct access *a)
{
	if (!a)
		return;
	http_tls_close(a->tls);
	tokens_close(a->tokens);
	free(a);
}

struct http_tls *access_tls(struct access *a)
{
	return a->tls;
}

/* A browser takes a name that begins so only by TLS, for this host alone. */
void access_port(struct access *a, unsigned int port)
{
	snprintf(a->cookie, sizeof(a->cookie), "%sweir-%u", a->tls ? "__Host-" : "", port);
}

bool access_by_token(const struct access *a)
{
	return a->tokens;
}

/* -- who asks -- */

static uint64_t now_ms(void)
{
	return when_mono() / 1000000;
}

static bool cookie_of(const struct access *a, const struct http_ask *ask, char word[SESSION_WORD])
{
	size_t name = strlen(a->cookie), n;

	for (const char *at = http_field(ask, "cookie"); *at; at += n + (at[n] == ';')) {
		at += strspn(at, " \t");
		n = strcspn(at, ";");
		if (n <= name || at[name] != '=' || strncmp(at, a->cookie, name))
			continue;
		n -= name + 1;
		if (n != SESSION_WORD - 1)
			return false;
		memcpy(word, at + name + 1, n);
		word[n] = '\0';
		return true;
	}
	return false;
}

static bool session_of(struct access *a, const struct http_ask *ask, struct session *out)
{
	char word[SESSION_WORD];

	return cookie_of(a, ask, word) && sessions_find(&a->sessions, word, now_ms(), out) && tokens_holds(a->tokens, &out->token);
}

static void note_wrong(struct access *a, const struct http_ask *ask)
{
	uint64_t now = now_ms();
	char peer[ADDR_TEXT_SIZE];

	a->counts.wrong++;
	guesses_wrong(&a->guesses, http_peer(ask), now);
	if (!guesses_wait(&a->guesses, http_peer(ask), now) || (a->told && now - a->told < TELL_MS))
		return;
	a->told = now;
	log_warn("wrong tokens for the page: %llu so far; '%s' has to wait now", (unsigned long long)a->counts.wrong,
		 addr_text(http_peer(ask), peer));
}

/* By what stands in the header line. */
static enum access_how by_bearer(struct access *a, const struct http_ask *ask, const char *said, bool count)
{
	struct token which;

	if (count && guesses_wait(&a->guesses, http_peer(ask), now_ms())) {
		a->counts.waited++;
		return ACCESS_WAIT;
	}
	if (tokens_match(a->tokens, said, &which))
		return ACCESS_TOKEN;
	if (count)
		note_wrong(a, ask);
	return ACCESS_NONE;
}

static enum access_how judge(struct access *a, const struct http_ask *ask, bool count)
{
	const char *said = http_field(ask, "authorization");
	struct session session;

	if (!a->tokens && !a->by_certificate)
		return ACCESS_OPEN;
	if (http_certified(ask))
		return ACCESS_CERTIFICATE;
	if (!a->tokens)
		return ACCESS_NONE;
	if (!strncasecmp(said, "bearer ", 7))
		return by_bearer(a, ask, said + 7 + strspn(said + 7, " "), count);
	return session_of(a, ask, &session) ? ACCESS_SESSION : ACCESS_NONE;
}

enum access_how access_of(struct access *a, const struct http_ask *ask)
{
	enum access_how how = judge(a, ask, true);

	a->counts.unknown += how == ACCESS_NONE;
	return how;
}

enum access_how access_still(struct access *a, const struct http_ask *ask)
{
	return judge(a, ask, false);
}

unsigned int access_wait(struct access *a, const struct http_ask *ask)
{
	return guesses_wait(&a->guesses, http_peer(ask), now_ms()) / 1000 + 1;
}

uint64_t access_left(struct access *a, const struct http_ask *ask)
{
	struct session s;

	return a->tokens && session_of(a, ask, &s) ? s.until - now_ms() : 0;
}

int access_sign_in(struct access *a, const struct http_ask *ask, const char *token, char cookie[ACCESS_COOKIE])
{
	uint64_t now = now_ms();
	char word[SESSION_WORD], peer[ADDR_TEXT_SIZE];
	struct token which;
	int err;

	if (guesses_wait(&a->guesses, http_peer(ask), now)) {
		a->counts.waited++;
		return -EAGAIN;
	}
	if (!tokens_match(a->tokens, token, &which)) {
		note_wrong(a, ask);
		return -EACCES;
	}
	err = sessions_begin(&a->sessions, &which, now, word);
	if (err)
		return err;
	a->counts.signed_in++;
	log_info("a browser signed in to the page from '%s'", addr_text(http_peer(ask), peer));
	snprintf(cookie, ACCESS_COOKIE, "Set-Cookie: %s=%s; Path=/; Max-Age=%llu; HttpOnly; SameSite=Strict%s\r\n", a->cookie, word,
		 (unsigned long long)a->sessions.lasts / 1000, a->tls ? "; Secure" : "");
	return 0;
}

void access_sign_out(struct access *a, const struct http_ask *ask, char cookie[ACCESS_COOKIE])
{
	char word[SESSION_WORD];

	if (cookie_of(a, ask, word))
		sessions_end(&a->sessions, word);
	snprintf(cookie, ACCESS_COOKIE, "Set-Cookie: %s=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict%s\r\n", a->cookie,
		 a->tls ? "; Secure" : "");
}

void access_foreign(struct access *a)
{
	a->counts.foreign++;
}

void access_count(const struct access *a, struct access_counts *out)
{
	*out = a->counts;
	out->sessions = sessions_count(&a->sessions, now_ms());
	out->file_failures = a->tokens ? tokens_failures(a->tokens) : 0;
}
