// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "lib/log.h"
#include "relay/tokens.h"

#define FILE_MOST 16384

struct tokens {
	char *path;
	struct stat seen;		/* as it was when it was read */
	bool there;			/* it could be looked at */
	struct token token[TOKENS_MOST];
	unsigned int n;
	uint64_t failures;
};

static void hash(const char *text, size_t size, struct token *out)
{
	SHA256((const unsigned char *)text, size, out->hash);
}

static bool is_plain(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

static int add(struct tokens *t, const char *line, size_t n, unsigned int number, struct complaint *why)
{
	const char *wrong = NULL;

	if (n < TOKEN_LEAST)
		wrong = "is shorter than 16 characters, and could be guessed (openssl rand -hex 32 makes one)";
	else if (n > TOKEN_LONGEST)
		wrong = "is longer than 512 characters";
	else if (!is_plain(line, n))
		wrong = "has blanks or other characters that no header line may have";
	else if (t->n == TOKENS_MOST)
		wrong = "is one too many: 16 may hold at once";
	if (wrong) {
		complaint_set(why, number, 0, "the token %s", wrong);
		complaint_file(why, t->path);
		return -EINVAL;
	}
	hash(line, n, &t->token[t->n++]);
	return 0;
}

static int read_lines(struct tokens *t, const char *text, struct complaint *why)
{
	unsigned int number = 0;
	int err = 0;

	for (size_t n; *text && !err; text += n + (text[n] == '\n')) {
		size_t length;

		n = length = strcspn(text, "\n");
		number++;
		while (length && (text[length - 1] == '\r' || text[length - 1] == ' ' || text[length - 1] == '\t'))
			length--;
		if (length && *text != '#')
			err = add(t, text, length, number, why);
	}
	if (!err && !t->n) {
		complaint_set(why, 0, 0, "there is no token in '%s': openssl rand -hex 32 makes one", t->path);
		err = -EINVAL;
	}
	return err;
}

static int read_open(struct tokens *t, int fd, struct complaint *why)
{
	char text[FILE_MOST + 1];
	ssize_t n, size = 0;
	int err;

	if (fstat(fd, &t->seen))
		return -errno;
	if (!S_ISREG(t->seen.st_mode) || (t->seen.st_mode & 0007)) {
		complaint_set(why, 0, 0, "'%s' %s", t->path, S_ISREG(t->seen.st_mode) ?
			      "may be read or written by everybody on this machine: chmod o= it" : "is no file");
		return -EACCES;
	}
	while ((n = read(fd, text + size, FILE_MOST - size)) > 0)
		size += n;
	text[size] = '\0';
	err = size == FILE_MOST ? -EFBIG : n < 0 ? -errno : 0;
	if (err)
		complaint_set(why, 0, 0, "cannot read the tokens in '%s': %s", t->path, strerror(-err));
	else
		err = read_lines(t, text, why);
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

static int load(struct tokens *t, struct complaint *why)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	t->n = 0;
	t->there = fd >= 0;
	if (fd < 0) {
		err = -errno;
		complaint_set(why, 0, 0, "cannot read the tokens in '%s': %s", t->path, strerror(-err));
		return err;
	}
	err = read_open(t, fd, why);
	close(fd);
	if (err)
		t->n = 0;
	return err;
}

int tokens_open(struct tokens **out, const char *path, struct complaint *why)
{
	struct tokens *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->path = strdup(path);
	err = t->path ? load(t, why) : -ENOMEM;
	if (err) {
		tokens_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void tokens_close(struct tokens *t)
{
	if (!t)
		return;
	OPENSSL_cleanse(t->token, sizeof(t->token));
	free(t->path);
	free(t);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(struct tokens *t)
{
	struct complaint why = { 0 };
	struct stat now;
	char text[1024];
	bool there = !stat(t->path, &now);

	if (there == t->there && (!there || is_same(&now, &t->seen)))
		return;
	if (load(t, &why)) {
		t->failures++;
		log_error("nobody is let in by a token: %s", complaint_text(&why, text, sizeof(text)));
	} else {
		log_info("tokens read anew from '%s': %u", t->path, t->n);
	}
}

bool tokens_holds(struct tokens *t, const struct token *which)
{
	bool found = false;

	look(t);
	for (unsigned int i = 0; i < t->n; i++)
		found |= !CRYPTO_memcmp(t->token[i].hash, which->hash, sizeof(which->hash));
	return found;
}

bool tokens_match(struct tokens *t, const char *said, struct token *which)
{
	size_t n = strlen(said);

	hash(said, n <= TOKEN_LONGEST ? n : 0, which);
	return tokens_holds(t, which);
}

uint64_t tokens_failures(const struct tokens *t)
{
	return t->failures;
}
