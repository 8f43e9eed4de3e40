// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/stream/lab.h"

struct lab lab;

int lab_run(const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

void lab_down(void)
{
	lab_run("%s/weir lab down %s >/dev/null 2>&1", lab.build, lab.name);
}

static void on_signal(int signo)
{
	exit(1);			/* takes the lab down */
}

static bool find_agent(void)
{
	char line[PATH_MAX + 128];
	FILE *f;

	snprintf(line, sizeof(line), "%s/weir lab status -o json %s", lab.build, lab.name);
	f = popen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, " \"pid\": %d", &lab.agent);
	if (f)
		pclose(f);
	return lab.agent;
}

bool lab_up(const char *manifests)
{
	lab.agent = 0;
	return !lab_run("%s/weir lab up %s --name %s >/dev/null", lab.build, manifests, lab.name) && find_agent();
}

void lab_netns(char where[128], const char *ns, const char *pod)
{
	snprintf(where, 128, "/run/netns/weir-%s+%s+%s", lab.name, ns, pod);
}

void lab_begin(void)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", lab.build, sizeof(lab.build) - 1);

	lab.build[n < 0 ? 0 : n] = '\0';
	for (int i = 0; i < 3 && (slash = strrchr(lab.build, '/')); i++)
		*slash = '\0';		/* of bench/stream/agent */
	snprintf(lab.name, sizeof(lab.name), "bs%d", getpid());
	snprintf(lab.observer, sizeof(lab.observer), "unix:/run/weir-lab/%s/n1.observer.sock", lab.name);
	atexit(lab_down);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}
