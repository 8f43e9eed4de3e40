// SPDX-License-Identifier: Apache-2.0
/* The log: what each level looks like, as text and as JSON.  stderr is a file of ours meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/check.h"

static FILE *file;

static const char *said(void)
{
	static char buf[8192];
	size_t n;

	rewind(file);
	n = fread(buf, 1, sizeof(buf) - 1, file);
	buf[n] = '\0';
	if (ftruncate(fileno(file), 0) < 0)
		abort();
	lseek(STDERR_FILENO, 0, SEEK_SET);
	return buf;
}

int main(void)
{
	char long_text[5000];
	const char *json;

	file = tmpfile();
	if (!file || dup2(fileno(file), STDERR_FILENO) < 0)
		return 1;
	log_open("prog", LOG_LEVEL_INFO, false);
	log_info("hello %d", 5);
	CHECK_TEXT(said(), "prog: hello 5\n", "info");
	log_warn("look");
	CHECK_TEXT(said(), "prog: warn: look\n", "warn");
	log_debug("psst");
	CHECK_TEXT(said(), "", "debug is not wanted");
	CHECK(!log_wants(LOG_LEVEL_DEBUG) && log_wants(LOG_LEVEL_WARN), "wants");
	CHECK_EQ(log_err(-EPERM, "cannot attach to '%s'", "veth1"), -EPERM, "the error is handed on");
	CHECK_TEXT(said(), "prog: cannot attach to 'veth1': Operation not permitted\n", "errno in words");
	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_info("%s", long_text);
	CHECK_EQ(strlen(said()), 6 + 2047 + 1, "a long line is cut");

	log_open("prog", LOG_LEVEL_DEBUG, true);
	log_debug("a \"b\" \\ \n");
	json = said();
	CHECK(strstr(json, "\"level\":\"debug\",\"program\":\"prog\",\"message\":\"a \\\"b\\\" \\\\ \\u000a\"}\n"),
	      "JSON is escaped: %s", json);
	CHECK(!strncmp(json, "{\"time\":", 8), "with a time");
	return check_done();
}
