// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts: what verdicts alone do not show.  Real sockets and frames through namespaces, a real agent on the node.
 *
 *	scripts [WORD]		only those whose name holds the word
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/scripts/scripts.h"

static const struct script *const groups[] = {
	scripts_connections, scripts_identity, scripts_packets, scripts_neighbours, scripts_limits,
	scripts_agent,
};
static const char *running;

void script_check(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		check_passed++;
	else
		check_fail(file, line, "not so", "%s: %s", running, what);
}

static void run(const struct script *script)
{
	unsigned long failed = check_failed;
	struct stage *s = stage_open(&script->options);

	running = script->name;
	if (s->good)
		script->run(s);
	SEEN(s->good, "the stage held");
	stage_close(s);
	printf("%-52s %s\n", script->name, check_failed == failed ? "as it should" : "FAILED");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (geteuid()) {
		check_skip("scripts need root");
		printf("0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	for (unsigned int g = 0; g < sizeof(groups) / sizeof(*groups); g++)
		for (const struct script *s = groups[g]; s->name; s++)
			if (argc < 2 || strstr(s->name, argv[1]))
				run(s);
	return check_done();
}
