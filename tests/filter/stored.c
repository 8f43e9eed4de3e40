// SPDX-License-Identifier: Apache-2.0
/* Flows from files: the forms that are about, what passes, how many, what is left out and said. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "tools/stored.h"

#define NOW (1795282200ull * 1000000000)	/* 2026-11-21T17:30:00Z */

static const char text[] =
	"{\"flow\":{\"time\":\"2026-11-21T17:00:00.5Z\",\"uuid\":\"a\",\"verdict\":\"FORWARDED\",\"source\":{\"namespace\":\"shop\",\"pod_name\":\"web-1\"},"
	"\"is_reply\":false,\"event_type\":{\"type\":5},\"l4\":{\"TCP\":{\"source_port\":40000,\"destination_port\":80}}},\"node_name\":\"n1\",\"time\":\"2026-11-21T17:00:00.5Z\"}\n"
	"\n"
	"{\"flow\":{\"uuid\":\"b\",\"verdict\":\"DROPPED\",\"drop_reason_desc\":\"POLICY_DENIED\",\"IP\":{\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\",\"ipVersion\":\"IPv4\"}},"
	"\"time\":\"2026-11-21T17:10:00Z\",\"of_tomorrow\":1}\n"
	"{\"agent_event\":{\"type\":\"AGENT_STARTED\"},\"time\":\"2026-11-21T17:10:00Z\"}\n"
	"{\"lost_events\":{\"source\":\"PERF_EVENT_RING_BUFFER\",\"num_events_lost\":\"7\"},\"time\":\"2026-11-21T17:11:00Z\"}\n"
	"{\"time\":\"2026-11-21T17:20:00Z\",\"uuid\":\"c\",\"verdict\":\"FORWARDED\",\"node_name\":\"n2\",\"l7\":{\"type\":\"REQUEST\",\"http\":{\"method\":\"GET\",\"url\":\"http://x/page/12?q\"}}}\r\n"
	"{\"flow\":{\"uuid\":\"d\",\"verdict\":\"AUDIT\",\"source_names\":[\"api.example.com\"]},\"time\":\"2026-11-21T17:25:00Z\"}\n"
	"{\"flow\":{\"uuid\":\"e\",\"verd\n"
	"{\"flow\":{\"uuid\":\"f\"},\"time\":\"2026-11-21T17:26:00Z\"}";

static struct {
	char uuids[100];
	unsigned int lost, most;
} seen;

static int on_response(void *ctx, const Observer__GetFlowsResponse *r)
{
	if (r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS)
		seen.lost += r->lost_events->num_events_lost;
	else
		strcat(seen.uuids, r->flow->uuid);
	return seen.most && strlen(seen.uuids) == seen.most ? -EPIPE : 0;
}

static int read_file(const char *path, const char *words, struct complaint *why)
{
	char line[200], *argv[16], option[100];
	struct select *s;
	int n = 1, err;

	snprintf(option, sizeof(option), "--input-file=%s", path);
	argv[0] = option;
	snprintf(line, sizeof(line), "%s", words);
	for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
		argv[n++] = w;
	memset(&seen, 0, sizeof(seen));
	n = opt_parse(select_options, n, argv, why);
	CHECK(n >= 0, "'%s': %s", words, why->text);
	err = select_done(&s, NOW, why);
	CHECK(!err, "'%s': %s", words, why->text);
	if (err)
		return err;
	err = stored_each(s, on_response, NULL, why);
	select_free(s);
	return err;
}

static const struct {
	const char *words, *uuids;
	unsigned int lost;
} rows[] = {
	{ "", "abcdf", 7 },
	{ "--verdict FORWARDED", "ac", 7 },
	{ "--denied", "bd", 7 },
	{ "--not --verdict FORWARDED", "bdf", 7 },
	{ "--last 2", "df", 0 },
	{ "--last 4", "bcdf", 7 },
	{ "--last 2 --verdict FORWARDED", "ac", 7 },
	{ "--last 2000000", "abcdf", 7 },
	{ "--all", "abcdf", 7 },
	{ "--first 2", "ab", 0 },
	{ "--first 1 --not --verdict FORWARDED", "b", 0 },
	{ "--since 21m", "bcdf", 7 },
	{ "--since 21m --until 8m", "bc", 7 },
	{ "--until 2026-11-21T17:00:00.4Z", "", 0 },
	{ "--until 2026-11-21T17:00:00.5Z", "a", 0 },
	{ "--from-pod shop/web", "a", 7 },
	{ "--to-port 80", "a", 7 },
	{ "--ip 10.0.0.0/24", "b", 7 },
	{ "--drop-reason-desc POLICY_DENIED", "b", 7 },
	{ "--http-path ^/page/\\d+$ --http-method get", "c", 7 },
	{ "--protocol http", "c", 7 },
	{ "--node-name n2", "c", 7 },
	{ "--from-fqdn *.example.com", "d", 7 },
	{ "--uuid a --uuid f", "af", 7 },
};

static char *write_file(const char *content, size_t size)
{
	char *path = strdup("/tmp/weir-stored-XXXXXX");
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, content, size) != (ssize_t)size)
		check_fail(__FILE__, __LINE__, "write", "a file in /tmp");
	close(fd);
	return path;
}

static void test_rows(void)
{
	char *path = write_file(text, sizeof(text) - 1);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct complaint why = { 0 };

		CHECK_EQ(read_file(path, rows[i].words, &why), 0, "'%s': %s", rows[i].words, why.text);
		CHECK_TEXT(seen.uuids, rows[i].uuids, "'%s'", rows[i].words);
		CHECK_EQ(seen.lost, rows[i].lost, "'%s'", rows[i].words);
	}
	unlink(path);
	free(path);
}

static void test_bad(void)
{
	struct complaint why = { 0 };
	char *path = write_file("what is this\nand this\n", 22), *big;

	CHECK_EQ(read_file("/nonexistent/flows.json", "", &why), -ENOENT, "no such file");
	CHECK(strstr(why.text, "cannot open '/nonexistent/flows.json': No such file"), "says: %s", why.text);
	CHECK_EQ(read_file(path, "", &why), -EINVAL, "no flow in it");
	CHECK(strstr(why.text, ":1: "), "says where: %s", why.text);
	unlink(path);
	free(path);

	path = write_file("", 0);
	CHECK_EQ(read_file(path, "", &why), 0, "an empty file has no flows, and nothing is wrong");
	unlink(path);
	free(path);

	big = malloc(STORED_LINE_MOST + 100);
	memset(big, 'x', STORED_LINE_MOST + 100);
	memcpy(big + STORED_LINE_MOST + 50, "\n{\"flow\":{\"uuid\":\"z\"}}\n", 24);
	path = write_file(big, STORED_LINE_MOST + 74);
	CHECK_EQ(read_file(path, "", &why), 0, "a line beyond all bounds: %s", why.text);
	CHECK_TEXT(seen.uuids, "z", "what follows it");
	unlink(path);
	free(path);
	free(big);
}

static void test_end(void)
{
	char *path = write_file(text, sizeof(text) - 1), option[100], *argv[] = { option };
	struct complaint why = { 0 };
	struct select *s;

	snprintf(option, sizeof(option), "--input-file=%s", path);
	memset(&seen, 0, sizeof(seen));
	seen.most = 2;
	opt_parse(select_options, 1, argv, &why);
	if (!select_done(&s, NOW, &why)) {
		CHECK_EQ(stored_each(s, on_response, NULL, &why), -EPIPE, "who has read enough ends it");
		CHECK_TEXT(seen.uuids, "ab", "and sees no more");
		select_free(s);
	}
	unlink(path);
	free(path);
}

int main(void)
{
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	test_rows();
	test_bad();
	test_end();
	return check_done();
}
