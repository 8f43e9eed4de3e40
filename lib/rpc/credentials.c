// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "lib/rpc/tls.h"

struct fetcher {			/* one per listener: which version it has */
	struct fetcher *next;
	struct certs *certs;
	uint64_t version;
};

struct rpc_server_tls {
	struct certs *certs;
	struct fetcher *fetchers;
};

struct rpc_client_tls {
	struct certs *certs;
	bool insecure;
};

static int open_certs(struct certs **out, const struct rpc_tls_files *files, struct complaint *why)
{
	return certs_open(out, &(struct certs_files){ .ca = files->ca, .cert = files->cert, .key = files->key }, why);
}

/* --- the server's side --- */

int rpc_server_tls_open(struct rpc_server_tls **out, const struct rpc_tls_files *files, struct complaint *why)
{
	struct rpc_server_tls *tls;
	int err;

	if (!files->ca || !files->cert || !files->key) {
		complaint_set(why, 0, 0, "a server with TLS needs three files: its certificate, its key, and the "
			      "authority that signs its clients");
		return -EINVAL;
	}
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return -ENOMEM;
	err = open_certs(&tls->certs, files, why);
	if (err) {
		rpc_server_tls_close(tls);
		return err;
	}
	*out = tls;
	return 0;
}

void rpc_server_tls_close(struct rpc_server_tls *tls)
{
	if (!tls)
		return;
	for (struct fetcher *f = tls->fetchers, *next; f; f = next) {
		next = f->next;
		free(f);
	}
	certs_close(tls->certs);
	free(tls);
}

/* Asked before every handshake, by whatever thread makes it. */
static grpc_ssl_certificate_config_reload_status fetch(void *fetcher, grpc_ssl_server_certificate_config **out)
{
	struct fetcher *f = fetcher;
	grpc_ssl_pem_key_cert_pair pair;
	struct pems p;

	if (f->version == certs_version(f->certs))
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
	if (certs_copy(f->certs, &p, &f->version))
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
	pair = (grpc_ssl_pem_key_cert_pair){ .private_key = p.key, .cert_chain = p.cert };
	*out = grpc_ssl_server_certificate_config_create(p.ca, &pair, 1);
	pems_free(&p);
	return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_server_credentials *server_tls_credentials(struct rpc_server_tls *tls)
{
	struct fetcher *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->certs = tls->certs;
	f->next = tls->fetchers;
	tls->fetchers = f;
	return grpc_ssl_server_credentials_create_with_options(
		grpc_ssl_server_credentials_create_options_using_config_fetcher(
			GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, f));
}

void rpc_server_tls_state(struct rpc_server_tls *tls, struct certs_state *out)
{
	certs_state(tls->certs, out);
}

void rpc_server_tls_check(struct rpc_server_tls *tls, unsigned int days)
{
	certs_check(tls->certs, days);
}

/* --- the client's side --- */

int rpc_client_tls_open(struct rpc_client_tls **out, const struct rpc_tls_files *files, struct complaint *why)
{
	struct rpc_client_tls *tls = calloc(1, sizeof(*tls));
	int err;

	if (!tls)
		return -ENOMEM;
	tls->insecure = files->insecure;
	err = open_certs(&tls->certs, files, why);
	if (err) {
		rpc_client_tls_close(tls);
		return err;
	}
	*out = tls;
	return 0;
}

void rpc_client_tls_close(struct rpc_client_tls *tls)
{
	if (!tls)
		return;
	certs_close(tls->certs);
	free(tls);
}

uint64_t client_tls_version(struct rpc_client_tls *tls)
{
	return certs_version(tls->certs);
}

/* gRPC's ordinary credentials always verify; those that can be told not to are another kind. */
static grpc_channel_credentials *unverified(const struct pems *p)
{
	grpc_tls_credentials_options *o = grpc_tls_credentials_options_create();
	grpc_tls_certificate_verifier *any = grpc_tls_certificate_verifier_no_op_create();

	if (p->cert) {
		grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
		grpc_tls_certificate_provider *from;

		grpc_tls_identity_pairs_add_pair(pairs, p->key, p->cert);
		from = grpc_tls_certificate_provider_static_data_create(NULL, pairs);
		grpc_tls_credentials_options_set_certificate_provider(o, from);
		grpc_tls_credentials_options_watch_identity_key_cert_pairs(o);
		grpc_tls_certificate_provider_release(from);
	}
	grpc_tls_credentials_options_set_verify_server_cert(o, 0);
	grpc_tls_credentials_options_set_check_call_host(o, 0);
	grpc_tls_credentials_options_set_certificate_verifier(o, any);
	grpc_tls_certificate_verifier_release(any);
	return grpc_tls_credentials_create(o);
}

grpc_channel_credentials *client_tls_credentials(struct rpc_client_tls *tls, uint64_t *version)
{
	grpc_ssl_pem_key_cert_pair pair;
	grpc_channel_credentials *creds;
	struct pems p;

	if (certs_copy(tls->certs, &p, version))
		return NULL;
	pair = (grpc_ssl_pem_key_cert_pair){ .private_key = p.key, .cert_chain = p.cert };
	creds = tls->insecure ? unverified(&p) : grpc_ssl_credentials_create(p.ca, p.cert ? &pair : NULL, NULL, NULL);
	pems_free(&p);
	return creds;
}

int client_tls_pems(struct rpc_client_tls *tls, struct pems *to, bool *insecure)
{
	uint64_t version;

	*insecure = tls->insecure;
	return certs_copy(tls->certs, to, &version);
}

void rpc_client_tls_state(struct rpc_client_tls *tls, struct certs_state *out)
{
	certs_state(tls->certs, out);
}

void rpc_client_tls_check(struct rpc_client_tls *tls, unsigned int days)
{
	certs_check(tls->certs, days);
}
