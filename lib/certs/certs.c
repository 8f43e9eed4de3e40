// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/certs/pems.h"
#include "lib/log.h"

#define DAY 86400

struct certs {
	pthread_mutex_t lock;
	struct certs_files files;
	char *ca, *cert, *key;		/* their paths */
	struct pems now;
	uint64_t version;		/* moves when 'now' does */
	uint64_t refused;		/* the stamp of files that were looked at and not taken */
	uint64_t reloads, failures;
	char failure[256];
	time_t warned;
};

static int copy_path(char **to, const char **now, const char *from)
{
	*to = from ? strdup(from) : NULL;
	*now = *to;
	return !from == !*to ? 0 : -ENOMEM;
}

static int fill(struct certs *c, const struct certs_files *files, struct complaint *why)
{
	if (copy_path(&c->ca, &c->files.ca, files->ca) || copy_path(&c->cert, &c->files.cert, files->cert) ||
	    copy_path(&c->key, &c->files.key, files->key))
		return -ENOMEM;
	return pems_load(&c->now, &c->files, why);
}

int certs_open(struct certs **out, const struct certs_files *files, struct complaint *why)
{
	struct certs *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->version = 1;
	err = fill(c, files, why);
	if (err) {
		certs_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void certs_close(struct certs *c)
{
	if (!c)
		return;
	pems_free(&c->now);
	free(c->ca);
	free(c->cert);
	free(c->key);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* With the lock held.  The same bad files are read once, and said once. */
static void look(struct certs *c)
{
	uint64_t stamp = pems_stamp(&c->files);
	struct complaint why = { 0 };
	struct pems fresh;

	if (stamp == c->now.stamp || stamp == c->refused)
		return;
	if (pems_load(&fresh, &c->files, &why)) {
		c->refused = stamp;
		c->failures++;
		snprintf(c->failure, sizeof(c->failure), "%.255s", why.text);
		log_warn("changed certificates are not taken, the old ones stay: %s", why.text);
		return;
	}
	pems_free(&c->now);
	c->now = fresh;
	c->version++;
	c->reloads++;
	c->refused = 0;
	c->failure[0] = '\0';
	log_info("certificates read anew: %s", c->now.subject[0] ? c->now.subject : c->ca ?: "");
}

uint64_t certs_version(struct certs *c)
{
	uint64_t version;

	pthread_mutex_lock(&c->lock);
	look(c);
	version = c->version;
	pthread_mutex_unlock(&c->lock);
	return version;
}

int certs_copy(struct certs *c, struct pems *to, uint64_t *version)
{
	int err;

	pthread_mutex_lock(&c->lock);
	err = pems_copy(to, &c->now);
	*version = c->version;
	pthread_mutex_unlock(&c->lock);
	return err;
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

void certs_check(struct certs *c, unsigned int days)
{
	time_t now = time(NULL);

	pthread_mutex_lock(&c->lock);
	look(c);
	if (now - c->warned >= DAY) {
		c->warned = now;
		warn_of("the certificate", c->cert ?: "", c->now.expires, days);
		warn_of("the authority's certificate", c->ca ?: "", c->now.ca_expires, days);
	}
	pthread_mutex_unlock(&c->lock);
}

void certs_state(struct certs *c, struct certs_state *out)
{
	pthread_mutex_lock(&c->lock);
	*out = (struct certs_state){ .expires = c->now.expires, .ca_expires = c->now.ca_expires,
				     .reloads = c->reloads, .failures = c->failures };
	memcpy(out->subject, c->now.subject, sizeof(out->subject));
	memcpy(out->failure, c->failure, sizeof(out->failure));
	pthread_mutex_unlock(&c->lock);
}
