// SPDX-License-Identifier: Apache-2.0
/* Who may be wrong how often, and who is signed in for how long: by a clock of our own. */
#include <string.h>

#include "lib/addr.h"
#include "relay/guesses.h"
#include "relay/sessions.h"
#include "tests/check.h"

static struct weir_addr at(const char *text)
{
	struct weir_addr a;

	CHECK(!addr_parse(text, &a), "%s", text);
	return a;
}

static void wrong(struct guesses *g, const char *who, unsigned int times, uint64_t now)
{
	struct weir_addr a = at(who);

	while (times--)
		guesses_wrong(g, &a, now);
}

static unsigned int wait_of(const struct guesses *g, const char *who, uint64_t now)
{
	struct weir_addr a = at(who);

	return guesses_wait(g, &a, now);
}

static void test_guesses(void)
{
	struct guesses g = { 0 };
	uint64_t now = 1000000;

	CHECK_EQ(wait_of(&g, "10.0.0.1", now), 0, "who was never wrong may try");
	wrong(&g, "10.0.0.1", 9, now);
	CHECK_EQ(wait_of(&g, "10.0.0.1", now), 0, "and after nine wrong ones");
	wrong(&g, "10.0.0.1", 1, now);
	CHECK_EQ(wait_of(&g, "10.0.0.1", now), GUESS_MS, "after ten it waits");
	CHECK_EQ(wait_of(&g, "10.0.0.2", now), 0, "others do not");
	CHECK_EQ(wait_of(&g, "10.0.0.1", now + GUESS_MS), 0, "once in a while one more");
	wrong(&g, "10.0.0.1", 1, now + GUESS_MS);
	CHECK_EQ(wait_of(&g, "10.0.0.1", now + GUESS_MS), GUESS_MS, "and no more than that");
	CHECK_EQ(wait_of(&g, "10.0.0.1", now + 12 * GUESS_MS), 0, "then all is forgotten");
	wrong(&g, "10.0.0.1", 10, now + 12 * GUESS_MS);
	CHECK_EQ(wait_of(&g, "10.0.0.1", now + 12 * GUESS_MS), GUESS_MS, "and begins anew");
	wrong(&g, "fd00:0:0:1::1", 10, now);
	CHECK(wait_of(&g, "fd00:0:0:1::2", now), "another address of the same network");
	CHECK_EQ(wait_of(&g, "fd00:0:0:2::1", now), 0, "not of another");
}

static void test_many(void)
{
	struct guesses g = { 0 };
	char who[32];

	for (unsigned int i = 0; i < GUESSES_PEERS; i++) {
		snprintf(who, sizeof(who), "10.1.%u.%u", i / 256, i % 256);
		wrong(&g, who, 2, 1000);
	}
	CHECK_EQ(wait_of(&g, "10.2.0.1", 1000), 0, "no place is left: one for all others");
	wrong(&g, "10.2.0.1", 5, 1000);
	wrong(&g, "10.2.0.2", 5, 1000);
	CHECK(wait_of(&g, "10.2.0.3", 1000), "which they share");
	CHECK_EQ(wait_of(&g, "10.1.0.7", 1000), 0, "who has a place is not held to it");
	CHECK_EQ(wait_of(&g, "10.2.0.3", 1000 + 3 * GUESS_MS), 0, "places are free again");
}

static void test_sessions(void)
{
	static struct sessions s = { .lasts = 1000 };
	static char word[SESSIONS_MOST + 1][SESSION_WORD];
	struct token token = { { 7 } };
	struct session found;

	CHECK(!sessions_find(&s, "00000000000000000000000000000000", 1, &found), "a free place is nobody's");
	for (unsigned int i = 0; i < SESSIONS_MOST; i++)
		CHECK_EQ(sessions_begin(&s, &token, 10 + i, word[i]), 0, "begins");
	CHECK_EQ(sessions_count(&s, 300), SESSIONS_MOST, "all are there");
	CHECK(sessions_find(&s, word[0], 300, &found) && found.token.hash[0] == 7, "and stand for their token");
	CHECK(strcmp(word[0], word[1]), "by different words");
	sessions_begin(&s, &token, 300, word[SESSIONS_MOST]);
	CHECK(!sessions_find(&s, word[0], 300, &found) && sessions_find(&s, word[1], 300, &found), "the oldest makes room");
	CHECK(sessions_find(&s, word[SESSIONS_MOST], 1299, &found) && !sessions_find(&s, word[SESSIONS_MOST], 1300, &found), "each ends in time");
	sessions_end(&s, word[9]);
	CHECK(!sessions_find(&s, word[9], 300, &found) && sessions_count(&s, 300) == SESSIONS_MOST - 1, "or earlier");
	sessions_end(&s, "nonsense");
	word[5][31] ^= 1;
	CHECK(!sessions_find(&s, word[5], 300, &found), "a word that is wrong in the end");
	CHECK(!sessions_find(&s, "", 300, &found), "none");
}

int main(void)
{
	test_guesses();
	test_many();
	test_sessions();
	return check_done();
}
