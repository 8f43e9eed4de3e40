// SPDX-License-Identifier: Apache-2.0
/* What OpenSSL is told, and a connection's bytes by way of it.  Nothing here waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/certs/pems.h"
#include "lib/http/inside.h"
#include "lib/http/tls.h"
#include "lib/log.h"

#define CHAIN_MOST 32768		/* bytes of certificates that a client shows */
#define KEY_UPDATES_MOST 16		/* no browser needs one; each costs us more than it costs the client */

struct http_tls {
	struct certs *certs;
	bool must;
	SSL_CTX *ctx;
	X509 *leaf;			/* our own certificate */
	char *ca;			/* as in 'ctx' */
	uint64_t version, epoch;	/* of the files in 'ctx'; of the authorities */
};

/* -- what is told once -- */

/* One thing of a PEM text after the other. */
static X509 *next_certificate(BIO *from)
{
	X509 *x = from ? PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;

	if (!x)
		ERR_clear_error();
	return x;
}

static bool show(SSL_CTX *ctx, const struct pems *p, X509 **leaf)
{
	BIO *certs = BIO_new_mem_buf(p->cert, -1), *keys = BIO_new_mem_buf(p->key, -1);
	EVP_PKEY *key = keys ? PEM_read_bio_PrivateKey(keys, NULL, NULL, NULL) : NULL;
	X509 *x = next_certificate(certs), *chain;
	bool good = x && key && SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	while (good && (chain = next_certificate(certs))) {
		if (SSL_CTX_add0_chain_cert(ctx, chain) != 1) {
			X509_free(chain);
			good = false;
		}
	}
	if (good)
		*leaf = x;
	else
		X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(keys);
	BIO_free(certs);
	return good;
}

/* Whom to believe, and their names, by which a browser chooses what to show. */
static bool trust(SSL_CTX *ctx, const char *ca)
{
	BIO *from = BIO_new_mem_buf(ca, -1);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	bool good = from && store;
	X509 *x;

	while (good && (x = next_certificate(from))) {
		good = X509_STORE_add_cert(store, x) == 1 && SSL_CTX_add_client_CA(ctx, x) == 1;
		X509_free(x);
	}
	BIO_free(from);
	return good;
}

static int choose_http(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in, unsigned int n, void *ctx)
{
	static const unsigned char ours[] = "\10http/1.1";

	if (SSL_select_next_proto((unsigned char **)out, size, ours, sizeof(ours) - 1, in, n) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

/* Keys are asked to be renewed: without end that would be all that we do. */
static void on_message(int write, int version, int type, const void *buf, size_t size, SSL *ssl, void *ctx)
{
	struct http_ask *c = SSL_get_app_data(ssl);

	if (!write && type == SSL3_RT_HANDSHAKE && size && *(const unsigned char *)buf == SSL3_MT_KEY_UPDATE && c)
		c->key_updates++;
}

static SSL_CTX *context(const struct http_tls *t, const struct pems *p, X509 **leaf)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);		/* one record, then others have their turn */
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MOST);
	SSL_CTX_set_alpn_select_cb(ctx, choose_http, NULL);
	SSL_CTX_set_msg_callback(ctx, on_message);
	if (p->ca)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (t->must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	if (!show(ctx, p, leaf) || (p->ca && !trust(ctx, p->ca))) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* The files as they are now.  What OpenSSL does not take is not taken: the old ones stay. */
static int renew(struct http_tls *t, struct complaint *why)
{
	struct pems p;
	SSL_CTX *ctx;
	X509 *leaf;
	int err = certs_copy(t->certs, &p, &t->version);

	if (err)
		return err;
	ERR_clear_error();
	ctx = context(t, &p, &leaf);
	if (!ctx) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		complaint_set(why, 0, 0, "OpenSSL does not take the certificate: %s", reason ?: "no memory");
		ERR_clear_error();
		pems_free(&p);
		return -EINVAL;
	}
	SSL_CTX_free(t->ctx);
	X509_free(t->leaf);
	t->ctx = ctx;
	t->leaf = leaf;
	if (!t->ca != !p.ca || (p.ca && strcmp(t->ca, p.ca)))
		t->epoch++;
	free(t->ca);
	t->ca = p.ca;
	p.ca = NULL;
	pems_free(&p);
	return 0;
}

int http_tls_open(struct http_tls **out, const struct http_tls_options *options, struct complaint *why)
{
	struct http_tls *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->must = options->must;
	err = certs_open(&t->certs, &options->files, why) ?: renew(t, why);
	if (err) {
		http_tls_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void http_tls_close(struct http_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	X509_free(t->leaf);
	certs_close(t->certs);
	free(t->ca);
	free(t);
}

void http_tls_state(struct http_tls *t, struct certs_state *out)
{
	certs_state(t->certs, out);
}

void http_tls_check(struct http_tls *t, unsigned int days)
{
	certs_check(t->certs, days);
}

bool http_tls_named(const struct http_tls *t, const char *name)
{
	return X509_check_host(t->leaf, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

void tls_look(struct http_tls *t)
{
	struct complaint why = { 0 };

	if (certs_version(t->certs) != t->version && renew(t, &why))
		log_warn("changed certificates are not taken, the old ones stay: %s", why.text);
}

/* -- a connection -- */

int tls_begin(struct http_ask *c)
{
	struct http_tls *t = c->http->options.tls;

	tls_look(t);
	c->ssl = SSL_new(t->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1) {
		tls_end(c);
		return -ENOMEM;
	}
	SSL_set_app_data(c->ssl, c);
	c->epoch = t->epoch;
	return 0;
}

void tls_end(struct http_ask *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	ERR_clear_error();
}

/* A step of OpenSSL that gave no bytes, as an errno. */
static int why_not(struct http_ask *c, int n)
{
	int e = SSL_get_error(c->ssl, n);
	int reason = ERR_GET_REASON(ERR_peek_error());

	ERR_clear_error();
	c->needs_room = e == SSL_ERROR_WANT_WRITE;
	if (c->key_updates > KEY_UPDATES_MOST)
		return -EPROTO;
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (e == SSL_ERROR_ZERO_RETURN)
		return 0;
	return reason == SSL_R_HTTP_REQUEST ? -EPROTONOSUPPORT : -EPROTO;
}

int tls_shake(struct http_ask *c)
{
	X509 *x;
	int n;

	ERR_clear_error();
	n = SSL_accept(c->ssl);
	if (n != 1)
		return why_not(c, n) ?: -EPROTO;
	x = SSL_get1_peer_certificate(c->ssl);
	c->certified = x && SSL_get_verify_result(c->ssl) == X509_V_OK;
	c->certified_until = c->certified ? certificate_time(X509_get0_notAfter(x)) : 0;
	X509_free(x);
	return 0;
}

ssize_t tls_read(struct http_ask *c, char *buf, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_read(c->ssl, buf, size);
	return n > 0 && c->key_updates <= KEY_UPDATES_MOST ? n : why_not(c, n);
}

ssize_t tls_write(struct http_ask *c, const char *buf, size_t size)
{
	int n;

	ERR_clear_error();
	n = SSL_write(c->ssl, buf, size < TLS_WRITE_MOST ? size : TLS_WRITE_MOST);
	if (n > 0)
		return n;
	n = why_not(c, n);
	c->needs_room = false;		/* who sends waits for room anyway */
	return n ?: -EPIPE;
}

bool tls_waits(const struct http_ask *c)
{
	return c->ssl && SSL_pending(c->ssl) > 0;
}

void tls_finish(struct http_ask *c)
{
	ERR_clear_error();
	SSL_shutdown(c->ssl);			/* says that this is the end, and does not wait for an answer */
	ERR_clear_error();
}

bool tls_stale(const struct http_ask *c)
{
	return c->certified && (c->epoch != c->http->options.tls->epoch || c->certified_until < time(NULL));
}

bool http_certified(const struct http_ask *c)
{
	return c->certified && !tls_stale(c);
}
