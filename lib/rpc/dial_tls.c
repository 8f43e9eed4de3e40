// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/rpc/dial_tls.h"
#include "lib/rpc/loop.h"

#define ALERT_MS 1000	/* for the server to say what it has against our certificate: in TLS 1.3 that comes late */

struct handshake {
	const struct dial *d;
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	const char *wanted;	/* name or address in the certificate */
	X509 *refused;		/* the certificate that was not taken */
	long result;		/* X509_V_ERR_... */
	bool through;		/* our part of the handshake is over: what comes now is about our certificate */
	char *why;
	size_t size;
};

/* --- our side of it --- */

static void trust(SSL_CTX *ctx, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *x;

	while (in && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
		X509_free(x);
	}
	BIO_free(in);
}

static void show(SSL_CTX *ctx, const struct pems *p)
{
	BIO *cert = BIO_new_mem_buf(p->cert, -1), *key = BIO_new_mem_buf(p->key, -1);
	X509 *x = cert ? PEM_read_bio_X509(cert, NULL, NULL, NULL) : NULL;
	EVP_PKEY *k = key ? PEM_read_bio_PrivateKey(key, NULL, NULL, NULL) : NULL;

	if (x && k) {
		SSL_CTX_use_certificate(ctx, x);
		SSL_CTX_use_PrivateKey(ctx, k);
	}
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert);
	BIO_free(key);
}

/* OpenSSL does not keep a certificate that it does not take: it is noted while it is looked at. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct handshake *h = SSL_get_app_data(ssl);
	X509 *x = X509_STORE_CTX_get_current_cert(store);

	if (!ok && !h->refused && x && X509_up_ref(x)) {
		h->refused = x;
		h->result = X509_STORE_CTX_get_error(store);
	}
	return ok;
}

static bool prepare(struct handshake *h)
{
	static const unsigned char h2[] = "\2h2";
	const struct dial *d = h->d;
	unsigned char address[16];
	bool numeric = inet_pton(AF_INET, h->wanted, address) == 1 || inet_pton(AF_INET6, h->wanted, address) == 1;

	h->ctx = SSL_CTX_new(TLS_client_method());
	if (!h->ctx)
		return false;
	SSL_CTX_set_min_proto_version(h->ctx, TLS1_3_VERSION);
	SSL_CTX_set_alpn_protos(h->ctx, h2, sizeof(h2) - 1);
	if (d->pems.ca)
		trust(h->ctx, d->pems.ca);
	else
		SSL_CTX_set_default_verify_paths(h->ctx);
	if (d->pems.cert)
		show(h->ctx, &d->pems);
	SSL_CTX_set_verify(h->ctx, d->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, d->insecure ? NULL : on_verify);
	h->ssl = SSL_new(h->ctx);
	if (!h->ssl)
		return false;
	SSL_set_app_data(h->ssl, h);
	SSL_set_fd(h->ssl, h->fd);
	if (numeric) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(h->ssl), h->wanted);
	} else {
		SSL_set_tlsext_host_name(h->ssl, h->wanted);
		SSL_set1_host(h->ssl, h->wanted);
	}
	return true;
}

/* --- what the server's certificate lacks --- */

static void day_of(const void *asn1_time, char *to, size_t size)
{
	time_t t = certificate_time(asn1_time);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(to, size, "%Y-%m-%d %H:%M UTC", &tm);
}

/* "a.example, 10.0.0.1": what the certificate is for. */
static void names_of(X509 *x, char *to, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	to[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && n + 1 < size; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		char ip[INET6_ADDRSTRLEN] = "";

		if (g->type == GEN_DNS)
			n += snprintf(to + n, size - n, "%s%.*s", n ? ", " : "", ASN1_STRING_length(g->d.dNSName),
				      ASN1_STRING_get0_data(g->d.dNSName));
		if (g->type != GEN_IPADD)
			continue;
		if (inet_ntop(g->d.iPAddress->length == 4 ? AF_INET : AF_INET6, g->d.iPAddress->data, ip, sizeof(ip)))
			n += snprintf(to + n, size - n, "%s%s", n ? ", " : "", ip);
	}
	GENERAL_NAMES_free(names);
	if (!to[0])
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, to, (int)size);
}

static void say_unverified(struct handshake *h)
{
	X509 *x = h->refused;
	const char *server = h->d->server;
	char text[200] = "", shown[200];

	switch (h->result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		day_of(X509_get0_notAfter(x), text, sizeof(text));
		dial_say(h->why, h->size, "the certificate of '%s' has expired on %s", server, text);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		day_of(X509_get0_notBefore(x), text, sizeof(text));
		dial_say(h->why, h->size, "the certificate of '%s' is not valid before %s (is a clock wrong?)", server, text);
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_of(x, text, sizeof(text));
		dial_say(h->why, h->size, "the certificate of '%s' is for '%s', not for '%s'", server,
			 complaint_show(text, shown, sizeof(shown)), h->wanted);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName, text, sizeof(text));
		dial_say(h->why, h->size, "the certificate of '%s' is signed by an unknown authority ('%s')", server,
			 complaint_show(text, shown, sizeof(shown)));
		return;
	default:
		dial_say(h->why, h->size, "the certificate of '%s' is not taken: %s", server,
			 X509_verify_cert_error_string(h->result));
	}
}

/* --- what the server has against us --- */

static void say_failed(struct handshake *h, unsigned long e)
{
	const char *server = h->d->server;
	const char *ours = h->d->pems.cert ? "our certificate" : "us without a certificate";

	switch (ERR_GET_REASON(e)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_BAD_RECORD_TYPE:
		dial_say(h->why, h->size, "'%s' does not speak TLS", server);
		return;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		dial_say(h->why, h->size, "'%s' does not speak TLS 1.3", server);
		return;
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		dial_say(h->why, h->size, "'%s' does not take our certificate: it has expired", server);
		return;
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		dial_say(h->why, h->size, "'%s' does not take our certificate: it does not know its authority", server);
		return;
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		dial_say(h->why, h->size, "'%s' wants a certificate from us", server);
		return;
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
		dial_say(h->why, h->size, "'%s' does not take %s: %s", server, ours, ERR_reason_error_string(e));
		return;
	default:
		dial_say(h->why, h->size, "the TLS handshake with '%s' failed: %s", server,
			 ERR_reason_error_string(e) ?: "the connection was closed");
	}
}

/* It hung up without a word, as gRPC's servers do: what may be wrong with us is looked for here. */
static void say_dropped(struct handshake *h)
{
	X509 *x = SSL_get_certificate(h->ssl);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	const char *server = h->d->server;
	char text[200] = "", shown[200];

	if (!x) {
		dial_say(h->why, h->size, "'%s' wants a certificate from us, and we have none", server);
	} else if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
		day_of(X509_get0_notAfter(x), text, sizeof(text));
		dial_say(h->why, h->size, "'%s' does not take our certificate: it has expired on %s", server, text);
	} else if (check && X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(h->ctx), x, NULL) &&
		   X509_verify_cert(check) <= 0) {
		X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName, text, sizeof(text));
		dial_say(h->why, h->size, "'%s' does not take our certificate: it may not know its authority ('%s')", server,
			 complaint_show(text, shown, sizeof(shown)));
	} else {
		dial_say(h->why, h->size, "'%s' does not take our certificate, or hung up for another reason: its log says why",
			 server);
	}
	X509_STORE_CTX_free(check);
}

/* One step of OpenSSL, waited for.  0; -EPROTO if it failed, which is said then; -ETIMEDOUT, -ECANCELED. */
static int step(struct handshake *h, int (*fn)(SSL *ssl))
{
	for (;;) {
		int n, e;

		ERR_clear_error();
		errno = 0;
		n = fn(h->ssl);
		if (n > 0)
			return 0;
		e = SSL_get_error(h->ssl, n);
		if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
			int err = dial_wait(h->d, h->fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);

			if (!err)
				continue;
			return err;
		}
		if (h->refused)
			say_unverified(h);
		else if (h->through && (e != SSL_ERROR_SSL ||
					ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING))
			say_dropped(h);
		else if (e == SSL_ERROR_SSL)
			say_failed(h, ERR_peek_last_error());
		else
			dial_say(h->why, h->size, "'%s' hangs up in the TLS handshake: %s", h->d->server,
				 errno ? strerror(errno) : "is it a TLS server?");
		return -EPROTO;
	}
}

static int peek(SSL *ssl)
{
	char byte;

	return SSL_peek(ssl, &byte, 1);
}

/* In TLS 1.3 the server judges our certificate when we are through: what it says comes as the first thing to read. */
static void listen_for_alert(struct handshake *h)
{
	struct dial soon = *h->d;
	const struct dial *d = h->d;

	if (rpc_now_ms() + ALERT_MS < soon.until)
		soon.until = rpc_now_ms() + ALERT_MS;
	h->d = &soon;
	h->through = true;
	step(h, peek);		/* silence is consent */
	h->d = d;
}

bool dial_is_tls(const struct dial *d, int fd)
{
	struct dial any = { .server = d->server, .tls = true, .insecure = true, .until = d->until, .abort = d->abort };
	char why[256] = "";
	struct handshake h = { .d = &any, .fd = fd, .why = why, .size = sizeof(why), .wanted = "localhost" };
	int err = prepare(&h) ? step(&h, SSL_connect) : -ENOMEM;

	SSL_free(h.ssl);
	SSL_CTX_free(h.ctx);
	ERR_clear_error();
	return !err;
}

void dial_tls(const struct dial *d, int fd, const char *host, char *why, size_t size)
{
	struct handshake h = { .d = d, .fd = fd, .why = why, .size = size };
	const unsigned char *alpn;
	unsigned int n;
	int err;

	h.wanted = d->name ? d->name : *host ? host : "localhost";
	err = prepare(&h) ? step(&h, SSL_connect) : -ENOMEM;
	if (err == -ETIMEDOUT)
		dial_say(why, size, "'%s' does not answer the TLS handshake", d->server);
	if (!err) {
		SSL_get0_alpn_selected(h.ssl, &alpn, &n);
		if (n == 2)
			listen_for_alert(&h);
		else
			dial_say(why, size, "'%s' speaks TLS, but not gRPC", d->server);
	}
	X509_free(h.refused);
	SSL_free(h.ssl);
	SSL_CTX_free(h.ctx);
	ERR_clear_error();
}
