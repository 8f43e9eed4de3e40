// SPDX-License-Identifier: Apache-2.0
/*
 * The bench: parts one after the other, each a table and a JSON file, and at the end how many goals were met.
 *
 *	bench				all of it
 *	bench --part programs --part table
 *	bench --slow PROGRAM		also runs a build with a delay on the path, whose goals must be missed
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "lib/netns.h"
#include "lib/opt.h"

static const struct part {
	const char *name;
	bench_part_fn run;
	bool control;		/* a slow build must miss its goals */
} parts[] = {
	{ "programs", part_programs, true },
	{ "traffic",  part_traffic,  true },
	{ "policies", part_policies, false },
	{ "table",    part_table,    false },
	{ "changes",  part_changes,  false },
	{ "attach",   part_attach,   false },
	{ "memory",   part_memory,   false },
	{ "compiler", part_compiler, false },
};
#define PARTS (sizeof(parts) / sizeof(*parts))

static struct {
	struct opt_list part;
	const char *slow;
	struct bench bench;
	bool help;
} want = { .bench = { .rounds = 41, .directory = "build/bench" } };

static const struct opt options[] = {
	OPT_LIST('p', "part", &want.part, "NAME", "programs, traffic, policies, table, changes, attach, memory or compiler; all if none is named"),
	OPT_UINT('r', "rounds", &want.bench.rounds, "N", "paired rounds, 41 unless told"),
	OPT_TEXT('d', "directory", &want.bench.directory, "DIR", "where the JSON goes"),
	OPT_TEXT('a', "agent", &want.bench.agent, "PROGRAM", "the agent that 'memory' runs"),
	OPT_TEXT('c', "compiler", &want.bench.compiler, "PROGRAM", "the bench of the policy compiler that 'compiler' runs"),
	OPT_TEXT(0, "row", &want.bench.row, "TEXT", "of 'programs', only rows with this in their name"),
	OPT_TEXT('s', "slow", &want.slow, "PROGRAM", "the bench of a build with a delay on the path"),
	OPT_FLAG(0, "reduced", &want.bench.reduced, "only the rows that a control needs"),
	OPT_FLAG('h', "help", &want.help, "this page"),
	OPT_END
};

static bool wanted(const char *name)
{
	for (unsigned int i = 0; i < want.part.n; i++)
		if (!strcmp(want.part.value[i], name))
			return true;
	return !want.part.n;
}

static bool known_parts(void)
{
	for (unsigned int i = 0; i < want.part.n; i++) {
		unsigned int k = 0;

		while (k < PARTS && strcmp(parts[k].name, want.part.value[i]))
			k++;
		if (k == PARTS) {
			fprintf(stderr, "bench: no part '%s'\n", want.part.value[i]);
			return false;
		}
	}
	return true;
}

/* The same part of the slow build: its exit code is how many goals it missed; 0, and from NOT_MEASURED on, is a failure. */
#define NOT_MEASURED 101

static bool control(const struct part *part)
{
	char directory[512];
	int status;
	pid_t pid;

	printf("\ncontrol: the same with a delay on the path, whose goals must be missed\n");
	fflush(stdout);
	snprintf(directory, sizeof(directory), "%s/slow", want.bench.directory);
	mkdir(directory, 0777);
	pid = fork();
	if (!pid) {
		execl(want.slow, want.slow, "--reduced", "--part", part->name, "--rounds", "15", "--directory", directory, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return false;
	status = WEXITSTATUS(status);
	printf("control: %s\n", !status ? "NOT missed" : status < NOT_MEASURED ? "missed, as it must be" : "not measured");
	return status && status < NOT_MEASURED;
}

static int run(const struct part *part, unsigned int *met, unsigned int *missed)
{
	static struct report r;
	char text[800];
	int err = part->run(&want.bench, &r);

	if (!err)
		err = report_end(&r, want.bench.directory);
	*met += r.met;
	*missed += r.missed;
	if (err) {
		printf("%s: not measured: %s\n", part->name, want.bench.why.text[0] ?
		       complaint_text(&want.bench.why, text, sizeof(text)) : strerror(-err));
		++*missed;
		want.bench.why.text[0] = 0;
	}
	if (part->control && want.slow && !control(part))
		++*missed;
	return err;
}

int main(int argc, char **argv)
{
	unsigned int met = 0, missed = 0, unmeasured = 0;
	struct complaint why = { 0 };
	struct utsname u;
	char text[800];
	int n = opt_parse(options, argc - 1, argv + 1, &why);

	if (n != argc - 1 || want.help || !known_parts()) {
		if (n < 0)
			fprintf(stderr, "bench: %s\n", complaint_text(&why, text, sizeof(text)));
		opt_help(options, want.help ? stdout : stderr);
		return want.help ? 0 : 127;
	}
	if (want.bench.rounds > BENCH_ROUNDS_MAX)
		want.bench.rounds = BENCH_ROUNDS_MAX;
	if (geteuid()) {
		fprintf(stderr, "bench: needs root, for programs and namespaces\n");
		return 127;
	}
	mkdir(want.bench.directory, 0777);
	uname(&u);
	if (!want.bench.reduced)
		printf("weir bench: Linux %s %s, %ld CPUs, %u paired rounds; one node, thread CPU time\n", u.release, u.machine,
		       sysconf(_SC_NPROCESSORS_ONLN), want.bench.rounds);
	for (unsigned int i = 0; i < PARTS; i++)
		if (wanted(parts[i].name))
			unmeasured += run(&parts[i], &met, &missed) != 0;
	printf("\nbench: %u goals met, %u missed\n", met, missed);
	return unmeasured ? NOT_MEASURED : missed < 100 ? missed : 99;
}
