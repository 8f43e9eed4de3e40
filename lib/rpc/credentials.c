// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/rpc/tls.h"

#define DAY 86400

/* The files and what was last taken from them. */
struct store {
	pthread_mutex_t lock;
	struct rpc_tls_files files;
	char *ca, *cert, *key;		/* their paths */
	struct pems now;
	uint64_t version;		/* moves when 'now' does */
	uint64_t refused;		/* the stamp of files that were looked at and not taken */
	uint64_t reloads, failures;
	char failure[256];
	time_t warned;
};

struct fetcher {			/* one per listener: which version it has */
	struct fetcher *next;
	struct store *store;
	uint64_t version;
};

struct rpc_server_tls {
	struct store store;
	struct fetcher *fetchers;
};

struct rpc_client_tls {
	struct store store;
};

/* --- the store --- */

static int copy_path(char **to, const char **now, const char *from)
{
	*to = from ? strdup(from) : NULL;
	*now = *to;
	return !from == !*to ? 0 : -ENOMEM;
}

static int store_open(struct store *s, const struct rpc_tls_files *files, struct complaint *why)
{
	pthread_mutex_init(&s->lock, NULL);
	s->version = 1;
	s->files.insecure = files->insecure;
	if (copy_path(&s->ca, &s->files.ca, files->ca) || copy_path(&s->cert, &s->files.cert, files->cert) ||
	    copy_path(&s->key, &s->files.key, files->key))
		return -ENOMEM;
	return pems_load(&s->now, &s->files, why);
}

static void store_close(struct store *s)
{
	pems_free(&s->now);
	free(s->ca);
	free(s->cert);
	free(s->key);
	pthread_mutex_destroy(&s->lock);
}

/* With the lock held.  The same bad files are read once, and said once. */
static void store_look(struct store *s)
{
	uint64_t stamp = pems_stamp(&s->files);
	struct complaint why = { 0 };
	struct pems fresh;

	if (stamp == s->now.stamp || stamp == s->refused)
		return;
	if (pems_load(&fresh, &s->files, &why)) {
		s->refused = stamp;
		s->failures++;
		snprintf(s->failure, sizeof(s->failure), "%.255s", why.text);
		log_warn("changed certificates are not taken, the old ones stay: %s", why.text);
		return;
	}
	pems_free(&s->now);
	s->now = fresh;
	s->version++;
	s->reloads++;
	s->refused = 0;
	s->failure[0] = '\0';
	log_info("certificates read anew: %s", s->now.subject[0] ? s->now.subject : s->ca ?: "");
}

static void warn_of(const char *what, const char *which, int64_t expires, unsigned int days)
{
	int64_t left = expires - time(NULL);

	if (!expires || left >= (int64_t)days * DAY)
		return;
	if (left < 0)
		log_error("%s %s has expired %ld days ago", what, which, (long)(-left / DAY));
	else
		log_warn("%s %s expires in %ld days", what, which, (long)(left / DAY));
}

static void store_check(struct store *s, unsigned int days)
{
	time_t now = time(NULL);

	pthread_mutex_lock(&s->lock);
	store_look(s);
	if (now - s->warned >= DAY) {
		s->warned = now;
		warn_of("the certificate", s->cert ?: "", s->now.expires, days);
		warn_of("the authority's certificate", s->ca ?: "", s->now.ca_expires, days);
	}
	pthread_mutex_unlock(&s->lock);
}

static void store_state(struct store *s, struct rpc_tls_state *out)
{
	pthread_mutex_lock(&s->lock);
	*out = (struct rpc_tls_state){ .expires = s->now.expires, .ca_expires = s->now.ca_expires,
				       .reloads = s->reloads, .failures = s->failures };
	memcpy(out->subject, s->now.subject, sizeof(out->subject));
	memcpy(out->failure, s->failure, sizeof(out->failure));
	pthread_mutex_unlock(&s->lock);
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
	err = store_open(&tls->store, files, why);
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
	store_close(&tls->store);
	free(tls);
}

/* Asked before every handshake, by whatever thread makes it. */
static grpc_ssl_certificate_config_reload_status fetch(void *fetcher, grpc_ssl_server_certificate_config **out)
{
	struct fetcher *f = fetcher;
	struct store *s = f->store;
	grpc_ssl_pem_key_cert_pair pair;

	pthread_mutex_lock(&s->lock);
	store_look(s);
	if (f->version == s->version) {
		pthread_mutex_unlock(&s->lock);
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
	}
	pair = (grpc_ssl_pem_key_cert_pair){ .private_key = s->now.key, .cert_chain = s->now.cert };
	*out = grpc_ssl_server_certificate_config_create(s->now.ca, &pair, 1);
	f->version = s->version;
	pthread_mutex_unlock(&s->lock);
	return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_server_credentials *server_tls_credentials(struct rpc_server_tls *tls)
{
	struct fetcher *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->store = &tls->store;
	f->next = tls->fetchers;
	tls->fetchers = f;
	return grpc_ssl_server_credentials_create_with_options(
		grpc_ssl_server_credentials_create_options_using_config_fetcher(
			GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, f));
}

void rpc_server_tls_state(struct rpc_server_tls *tls, struct rpc_tls_state *out)
{
	store_state(&tls->store, out);
}

void rpc_server_tls_check(struct rpc_server_tls *tls, unsigned int days)
{
	store_check(&tls->store, days);
}

/* --- the client's side --- */

int rpc_client_tls_open(struct rpc_client_tls **out, const struct rpc_tls_files *files, struct complaint *why)
{
	struct rpc_client_tls *tls = calloc(1, sizeof(*tls));
	int err;

	if (!tls)
		return -ENOMEM;
	err = store_open(&tls->store, files, why);
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
	store_close(&tls->store);
	free(tls);
}

uint64_t client_tls_version(struct rpc_client_tls *tls)
{
	uint64_t version;

	pthread_mutex_lock(&tls->store.lock);
	store_look(&tls->store);
	version = tls->store.version;
	pthread_mutex_unlock(&tls->store.lock);
	return version;
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
	struct store *s = &tls->store;
	grpc_ssl_pem_key_cert_pair pair;
	grpc_channel_credentials *creds;

	pthread_mutex_lock(&s->lock);
	pair = (grpc_ssl_pem_key_cert_pair){ .private_key = s->now.key, .cert_chain = s->now.cert };
	creds = s->files.insecure ? unverified(&s->now) :
		grpc_ssl_credentials_create(s->now.ca, s->now.cert ? &pair : NULL, NULL, NULL);
	*version = s->version;
	pthread_mutex_unlock(&s->lock);
	return creds;
}

int client_tls_pems(struct rpc_client_tls *tls, struct pems *to, bool *insecure)
{
	int err;

	pthread_mutex_lock(&tls->store.lock);
	err = pems_copy(to, &tls->store.now);
	*insecure = tls->store.files.insecure;
	pthread_mutex_unlock(&tls->store.lock);
	return err;
}

void rpc_client_tls_state(struct rpc_client_tls *tls, struct rpc_tls_state *out)
{
	store_state(&tls->store, out);
}

void rpc_client_tls_check(struct rpc_client_tls *tls, unsigned int days)
{
	store_check(&tls->store, days);
}
