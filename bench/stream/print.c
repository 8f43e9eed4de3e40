// SPDX-License-Identifier: Apache-2.0
/*
 * What a line costs that weir observe prints: flows of a server on this machine, by gRPC, to /dev/null.
 *
 *	print DIRECTORY		build/bench: the programs are in build
 *
 * CPU of the command alone, its threads and the kernel's work for it included; less what one of a few lines takes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/report.h"

#define ROUNDS 5
#define REPEAT 75000		/* times the lines of the file below */
#define FLOWS "tests/tools/flows.jsonl"
#define LINES 4			/* of the file, that are flows */

static char weir[4096], fake[4096];
static char dir[] = "/tmp/weir-bench-print-XXXXXX", server[64];

static void write_flows(const char *name)
{
	char path[128], line[8192];
	FILE *from = fopen(FLOWS, "re"), *to;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	mkdir(path, 0700);
	strcat(path, "/observer.Observer.GetFlows");
	to = fopen(path, "we");
	if (!from || !to)
		exit(2);
	for (int i = 0; i < LINES && fgets(line, sizeof(line), from); i++)
		fputs(line, to);
	fclose(to);
	fclose(from);
}

static pid_t serve(const char *name, unsigned int repeat)
{
	char at[128], from[128], times[16], ready[8] = "";
	int pipes[2];
	pid_t pid;

	snprintf(at, sizeof(at), "unix:%s/%s.sock", dir, name);
	snprintf(from, sizeof(from), "%s/%s", dir, name);
	snprintf(times, sizeof(times), "%u", repeat);
	if (pipe(pipes))
		exit(2);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], 1);
		execl(fake, fake, at, from, times, (char *)NULL);
		_exit(127);	/* not exit(): the directory is the parent's */
	}
	close(pipes[1]);
	if (read(pipes[0], ready, sizeof(ready)) <= 0)
		exit(2);
	close(pipes[0]);
	return pid;
}

/* Nanoseconds of CPU that one command took. */
static double once(const char *name, const char *output, const char *more)
{
	struct rusage use;
	int status;
	pid_t pid;

	snprintf(server, sizeof(server), "unix:%s/%s.sock", dir, name);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execl(weir, weir, "observe", "--server", server, "--all", "-s", "-o", output, more, (char *)NULL);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &use) != pid || status)
		exit(2);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e9 + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e3;
}

static void measure(struct report *r, const char *what, const char *output, const char *more, double bound)
{
	double ns[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		ns[i] = (once("many", output, more) - once("few", output, more)) / (LINES * (REPEAT - 1.0));
	if (bound > 0)
		report_goal(r, what, "ns CPU a line", ns, ROUNDS, bound);
	else
		report_row(r, what, "ns CPU a line", ns, ROUNDS);
}

static void clear(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		fprintf(stderr, "cannot remove '%s'\n", dir);
}

int main(int argc, char **argv)
{
	static struct report r;
	pid_t few, many;

	if (argc < 2 || !mkdtemp(dir))
		return 2;
	atexit(clear);
	snprintf(weir, sizeof(weir), "%s/../weir", argv[1]);
	snprintf(fake, sizeof(fake), "%s/../tests/tools/fake", argv[1]);
	write_flows("few");
	write_flows("many");
	few = serve("few", 1);
	many = serve("many", REPEAT);
	report_begin(&r, "print", "weir observe of 300,000 flows, by gRPC from a server here; 3333 ns are 300,000 lines a second");
	measure(&r, "compact, with who decided", "compact", "--print-rules", 3333);
	measure(&r, "compact, as Hubble", "compact", "--print-rules=false", 3333);
	measure(&r, "key by key", "dict", "--print-rules", 0);
	measure(&r, "JSON", "json", "--print-rules", 0);
	kill(few, SIGTERM);
	kill(many, SIGTERM);
	waitpid(few, NULL, 0);
	waitpid(many, NULL, 0);
	return report_end(&r, argv[1]) ? 1 : 0;
}
