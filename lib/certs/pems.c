// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/certs/pems.h"

#define FILE_MOST (1 << 20)

/* --- files --- */

static void mix(uint64_t *h, uint64_t v)
{
	*h = (*h ^ v) * 0x9e3779b97f4a7c15ULL;
	*h ^= *h >> 29;
}

static void stamp_one(uint64_t *h, const char *path)
{
	struct stat s;

	if (!path || stat(path, &s) < 0) {
		mix(h, 1);
		return;
	}
	mix(h, s.st_ino);
	mix(h, s.st_dev);
	mix(h, s.st_size);
	mix(h, s.st_mtim.tv_sec);
	mix(h, s.st_mtim.tv_nsec);
	mix(h, s.st_ctim.tv_sec);
	mix(h, s.st_ctim.tv_nsec);
}

uint64_t pems_stamp(const struct certs_files *files)
{
	uint64_t h = 7;

	stamp_one(&h, files->ca);
	stamp_one(&h, files->cert);
	stamp_one(&h, files->key);
	return h;
}

static char *read_all(int fd)
{
	size_t n = 0;
	ssize_t got;
	char *text = malloc(FILE_MOST + 1), *fit;

	if (!text)
		return NULL;
	while (n < FILE_MOST && (got = read(fd, text + n, FILE_MOST - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	fit = realloc(text, n + 1);
	return fit ?: text;
}

static int read_file(char **to, const char *path, const char *what, struct complaint *why)
{
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		complaint_set(why, 0, 0, "cannot read %s '%s': %s", what, path, strerror(-err));
		return err;
	}
	*to = read_all(fd);
	close(fd);
	return *to ? 0 : -ENOMEM;
}

/* --- what is in them --- */

int64_t certificate_time(const void *asn1_time)
{
	struct tm t;

	return ASN1_TIME_to_tm(asn1_time, &t) ? (int64_t)timegm(&t) : 0;
}

static X509 *first_certificate(const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	BIO_free(in);
	return x;
}

static int check_ca(struct pems *p, const char *path, struct complaint *why)
{
	BIO *in = BIO_new_mem_buf(p->ca, -1);
	unsigned int n = 0;
	X509 *x;

	while (in && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		int64_t ends = certificate_time(X509_get0_notAfter(x));

		if (!n++ || ends < p->ca_expires)
			p->ca_expires = ends;
		X509_free(x);
	}
	BIO_free(in);
	ERR_clear_error();
	if (n)
		return 0;
	complaint_set(why, 0, 0, "there is no certificate of an authority in '%s' (PEM is expected)", path);
	return -EINVAL;
}

/* A key with a password is not asked for it on the terminal. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
	return -1;
}

static int check_pair(struct pems *p, const struct certs_files *files, struct complaint *why)
{
	BIO *in = BIO_new_mem_buf(p->key, -1);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
	X509 *x = first_certificate(p->cert);
	int err = -EINVAL;

	BIO_free(in);
	if (!x) {
		complaint_set(why, 0, 0, "there is no certificate in '%s' (PEM is expected)", files->cert);
	} else if (!key) {
		complaint_set(why, 0, 0, "there is no key in '%s' that can be read (PEM without a password is expected)",
			      files->key);
	} else if (!X509_check_private_key(x, key)) {
		complaint_set(why, 0, 0, "the key in '%s' is not that of the certificate in '%s'", files->key, files->cert);
		err = -ESTALE;	/* a rotation may have come between the two */
	} else {
		p->expires = certificate_time(X509_get0_notAfter(x));
		X509_NAME_oneline(X509_get_subject_name(x), p->subject, sizeof(p->subject));
		err = 0;
	}
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}

static int load_once(struct pems *p, const struct certs_files *files, struct complaint *why)
{
	int err;

	memset(p, 0, sizeof(*p));
	p->stamp = pems_stamp(files);
	err = read_file(&p->ca, files->ca, "the authority's certificate", why);
	err = err ?: read_file(&p->cert, files->cert, "the certificate", why);
	err = err ?: read_file(&p->key, files->key, "the key", why);
	err = err ?: (p->ca ? check_ca(p, files->ca, why) : 0);
	err = err ?: (p->cert ? check_pair(p, files, why) : 0);
	if (!err && pems_stamp(files) != p->stamp) {
		complaint_set(why, 0, 0, "'%s' changes while it is read", files->cert ?: files->ca);
		err = -ESTALE;
	}
	if (err)
		pems_free(p);
	return err;
}

int pems_load(struct pems *to, const struct certs_files *files, struct complaint *why)
{
	int err = -EINVAL;

	memset(to, 0, sizeof(*to));
	if (!files->cert != !files->key) {
		complaint_set(why, 0, 0, "certificate and key belong together: %s is missing",
			      files->cert ? "the key" : "the certificate");
		return err;
	}
	for (int i = 0; i < 3; i++) {
		err = load_once(to, files, why);
		if (err != -ESTALE)
			break;
	}
	return err;
}

void pems_free(struct pems *p)
{
	free(p->ca);
	free(p->cert);
	if (p->key)
		OPENSSL_cleanse(p->key, strlen(p->key));
	free(p->key);
	memset(p, 0, sizeof(*p));
}

int pems_copy(struct pems *to, const struct pems *from)
{
	*to = *from;
	to->ca = from->ca ? strdup(from->ca) : NULL;
	to->cert = from->cert ? strdup(from->cert) : NULL;
	to->key = from->key ? strdup(from->key) : NULL;
	if (!to->ca == !from->ca && !to->cert == !from->cert && !to->key == !from->key)
		return 0;
	pems_free(to);
	return -ENOMEM;
}
