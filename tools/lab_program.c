// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/files.h"
#include "tools/lab_program.h"

void lab_program_path(const char *given, const char *name, char path[PATH_MAX])
{
	static const char *const beside[] = { "", "../sbin/" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	snprintf(path, PATH_MAX, "%s", given ? given : name);
	if (given || n < 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (int i = 0; i < 2; i++) {
		char at[PATH_MAX * 2];

		snprintf(at, sizeof(at), "%s/%s%s", self, beside[i], name);
		if (strlen(at) < PATH_MAX && access(at, X_OK) == 0) {
			strcpy(path, at);
			return;
		}
	}
}

static void become(const struct lab_program *p)
{
	static char *environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/dev/null", O_RDWR), to = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (null < 0 || to < 0 || dup2(null, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0)
		_exit(126);
	if (p->node && setns(netns_fd(p->node), CLONE_NEWNET) < 0)
		_exit(126);
	closefrom(3);
	execvpe(p->argv[0], p->argv, environment);
	fprintf(stderr, "weir lab: cannot run '%s': %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

int lab_program_start(struct lab *lab, const struct lab_program *p, pid_t *out)
{
	int go[2], err;
	char word;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &word, 1) != 1)
			_exit(125);
		become(p);
	}
	err = pid < 0 ? -errno : lab_note_process(lab, "process", pid, p->what);
	close(go[0]);
	if (!err && write(go[1], "", 1) != 1)
		err = -errno;
	close(go[1]);
	*out = pid;
	return err;
}

void lab_program_last_words(const char *log, char *buf, size_t size)
{
	char *text, *end;
	size_t n;

	snprintf(buf, size, "its log is empty");
	if (file_read(log, &text, &n))
		return;
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	end = strrchr(text, '\n');
	if (n)
		snprintf(buf, size, "%s", end ? end + 1 : text);
	free(text);
}
