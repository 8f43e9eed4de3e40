// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "relay/sessions.h"

static bool read_word(const char *word, uint8_t id[16])
{
	if (strlen(word) != SESSION_WORD - 1 || strspn(word, "0123456789abcdef") != SESSION_WORD - 1)
		return false;
	for (unsigned int i = 0; i < 16; i++)
		if (sscanf(word + 2 * i, "%2hhx", &id[i]) != 1)
			return false;
	return true;
}

int sessions_begin(struct sessions *s, const struct token *token, uint64_t now, char word[SESSION_WORD])
{
	struct session *to = s->session;

	for (struct session *at = s->session; at < s->session + SESSIONS_MOST; at++)
		if (at->until < to->until)
			to = at;
	if (getrandom(to->id, sizeof(to->id), 0) != sizeof(to->id))
		return -EIO;
	to->token = *token;
	to->until = now + s->lasts;
	for (unsigned int i = 0; i < 16; i++)
		sprintf(word + 2 * i, "%02x", to->id[i]);
	return 0;
}

/* All of them are compared, each in the same time: how long it takes says nothing of what is near. */
static const struct session *find(const struct sessions *s, const char *word)
{
	const struct session *found = NULL;
	uint8_t id[16];

	if (!read_word(word, id))
		return NULL;
	for (const struct session *at = s->session; at < s->session + SESSIONS_MOST; at++)
		if (!CRYPTO_memcmp(at->id, id, sizeof(id)) && at->until)
			found = at;
	return found;
}

bool sessions_find(const struct sessions *s, const char *word, uint64_t now, struct session *out)
{
	const struct session *found = find(s, word);

	if (!found || found->until <= now)
		return false;
	*out = *found;
	return true;
}

void sessions_end(struct sessions *s, const char *word)
{
	const struct session *found = find(s, word);

	if (found)
		memset(&s->session[found - s->session], 0, sizeof(*found));
}

unsigned int sessions_count(const struct sessions *s, uint64_t now)
{
	unsigned int n = 0;

	for (const struct session *at = s->session; at < s->session + SESSIONS_MOST; at++)
		n += at->until > now;
	return n;
}
