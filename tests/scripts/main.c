// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts: what verdicts alone do not show.  Real sockets and frames through namespaces, a real agent on the node.
 *
 *	scripts [WORD]		only those whose name holds the word
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
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

static void run_group(const struct script *s, const char *word)
{
	for (; s->name; s++)
		if (!word || strstr(s->name, word))
			run(s);
}

/* Those that wait a minute for a clock do so beside the others: a process of their own, stages of their own. */
static pid_t run_aside(const char *word, int counts)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	run_group(scripts_slow, word);
	_exit(write(counts, (unsigned long[]){ check_passed, check_failed }, 2 * sizeof(long)) != 2 * sizeof(long));
}

static void add_up(pid_t pid, int counts)
{
	unsigned long n[2] = { 0, 1 };

	if (read(counts, n, sizeof(n)) != sizeof(n))
		printf("the slow ones ended without their counts\n");
	waitpid(pid, NULL, 0);
	check_passed += n[0];
	check_failed += n[1];
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	int counts[2];
	pid_t pid;

	if (geteuid()) {
		check_skip("scripts need root");
		printf("0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	if (pipe2(counts, O_CLOEXEC) < 0)
		return 1;
	pid = run_aside(word, counts[1]);
	close(counts[1]);
	for (unsigned int g = 0; g < sizeof(groups) / sizeof(*groups); g++)
		run_group(groups[g], word);
	add_up(pid, counts[0]);
	return check_done();
}
