// SPDX-License-Identifier: Apache-2.0
/*
 * A directory of manifests in every state that may be met by accident: half written, broken while no agent runs,
 * swapped, unmounted.  What was in force goes only when somebody took it away.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/state.h"
#include "lib/log.h"
#include "tests/check.h"

#define SOON_MS 8000			/* the longest that anything may take */
#define QUIET_MS 600			/* so long nothing may happen: more than twice a look at a file that is being written */

#define POLICY(name) "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " name ", namespace: x}\n" \
		     "spec: {podSelector: {}}\n---\n"

static char dir[64], state_dir[80], data[80];
static struct loop *loop;
static struct state *state;
static char said[256];			/* names in force, sorted as they came: " a b" */

static void forget(const char *name)
{
	char word[64], *at;

	snprintf(word, sizeof(word), " %s", name);
	at = strstr(said, word);
	if (at)
		memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

static void on_object(void *ctx, struct object *o)
{
	forget(o->name);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), " %s", o->name);
	object_free(o);
}

static void on_gone(void *ctx, enum object_kind kind, const char *ns, const char *name)
{
	forget(name);
}

static void on_settled(void *ctx) {}

static void begin(void)
{
	struct state_listener to = { .object = on_object, .gone = on_gone, .settled = on_settled };

	said[0] = '\0';
	CHECK_EQ(state_open(&state, loop, state_dir, data, &to), 0, "the state opens");
}

static void end(void)
{
	state_close(state);
	state = NULL;
}

/* -- time -- */

static struct loop_timer timer;
static const char *wanted;
static int left;

static void on_tick(void *ctx)
{
	if (left <= 0 || (wanted && !strcmp(said, wanted)))
		loop_stop(loop);
	else
		loop_after(loop, &timer, 10, on_tick, NULL);
	left -= 10;
}

static void run(int ms, const char *until)
{
	left = ms;
	wanted = until;
	loop_after(loop, &timer, 0, on_tick, NULL);
	loop_run(loop);
}
static bool soon(const char *names)
{
	run(SOON_MS, names);
	return !strcmp(said, names);
}

/* -- files -- */

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	return path;
}
static void put(int fd, const char *text) { CHECK_EQ(write(fd, text, strlen(text)), (long long)strlen(text), "write"); }
static int hold(const char *name) { return open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); }
static void write_file(const char *name, const char *text)
{
	int fd = hold(name);

	put(fd, text);
	close(fd);
}

static bool leases(void)
{
	int fd = open(path_of("lease"), O_RDONLY | O_CREAT | O_CLOEXEC, 0600), r = fcntl(fd, F_SETLEASE, F_RDLCK);

	close(fd);
	unlink(path_of("lease"));
	return !r;
}

struct found {
	char why[512];
	bool last_good;
};

static void on_reject(void *ctx, const struct state_reject *r)
{
	struct found *f = ctx;

	snprintf(f->why, sizeof(f->why), "%s", r->why);
	f->last_good = r->last_good;
}
static struct found the_reject(void)
{
	struct found f = { "", false };

	state_rejected(state, on_reject, &f);
	return f;
}

/* -- rows -- */

static void half_written(void)
{
	int fd;

	write_file("p.yaml", POLICY("a") POLICY("b"));
	begin();
	CHECK_TEXT(said, " a b", "both are told");
	fd = hold("p.yaml");
	run(QUIET_MS / 2, "");
	CHECK_TEXT(said, " a b", "emptied by who has it open: nothing goes");
	put(fd, POLICY("a"));
	run(QUIET_MS, " a");
	CHECK_TEXT(said, " a b", "half of it written: nothing goes");
	end();
	begin();
	CHECK_TEXT(said, " a b", "a new agent finds it so: what it said before");
	put(fd, POLICY("c"));
	close(fd);
	CHECK(soon(" a c"), "closed: now it counts:%s", said);
	end();
}

static void broken_while_away(void)
{
	struct found f;

	write_file("p.yaml", POLICY("a") POLICY("b"));
	begin();
	end();
	write_file("p.yaml", POLICY("d") "kind: [\n---\n" POLICY("a"));
	begin();
	CHECK(strstr(said, " a") && strstr(said, " b") && strstr(said, " d"), "broken: what it said stays, what is new counts:%s", said);
	f = the_reject();
	CHECK(f.last_good && strstr(f.why, "p.yaml:7"), "and is listed: %s", f.why);
	end();
	begin();
	CHECK(strstr(said, " b"), "over a second restart, too:%s", said);
	write_file("p.yaml", POLICY("a"));
	CHECK(soon(" a"), "mended: it alone counts:%s", said);
	write_file("q.yaml", "kind: NetworkPolicy\n");
	for (int ms = 0; ms < SOON_MS && !the_reject().why[0]; ms += 20)
		run(20, NULL);
	f = the_reject();
	CHECK(!f.last_good && strstr(f.why, "no earlier version"), "a new one that is wrong has nothing to fall back on: %s", f.why);
	end();
	unlink(path_of("q.yaml"));
	unlink(path_of("p.yaml"));
	begin();
	CHECK_TEXT(said, "", "taken away while no agent ran: gone");
	end();
	write_file("p.yaml", "kind: [\n");
	begin();
	CHECK_TEXT(said, "", "and it does not come back");
	end();
}

static void links(void)
{
	char target[100];
	FILE *f;

	snprintf(target, sizeof(target), "%s/target", dir);
	f = fopen(target, "w");
	fputs(POLICY("a"), f);
	fclose(f);
	unlink(path_of("p.yaml"));
	CHECK_EQ(symlink(target, path_of("p.yaml")), 0, "a link");
	begin();
	CHECK_TEXT(said, " a", "a link to elsewhere");
	f = fopen(target, "w");
	fputs(POLICY("b") "# of another size: the clock of files is coarse\n", f);
	fclose(f);
	CHECK(soon(" b"), "what it leads to is changed:%s", said);
	end();
	unlink(path_of("p.yaml"));
}

/* As after 'umount', or 'mv' before the new one is filled. */
static void emptied(void)
{
	char away[100];

	write_file("p.yaml", POLICY("a"));
	write_file("q.yaml", POLICY("b"));
	begin();
	snprintf(away, sizeof(away), "%s/away", dir);
	CHECK(!rename(state_dir, away) && !mkdir(state_dir, 0755), "the directory is another, and empty");
	run(2 * QUIET_MS, "");
	CHECK_TEXT(said, " a b", "nothing goes");
	write_file("q.yaml", POLICY("b"));
	CHECK(soon(" b"), "a manifest is in it: it is the cluster now:%s", said);
	end();
}

/* A folder that is a mount of its own, and one that comes again. */
static void folders(void)
{
	bool mounts = !geteuid() && !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);

	CHECK(!mkdir(path_of("m"), 0755), "a folder");
	if (mounts && !mount("none", path_of("m"), "tmpfs", 0, NULL)) {
		write_file("m/p.yaml", POLICY("m"));
		begin();
		CHECK(strstr(said, " m"), "a folder's file:%s", said);
		CHECK(!umount(path_of("m")), "unmounted");
		run(QUIET_MS, "");
		CHECK(strstr(said, " m"), "what it said stands:%s", said);
		CHECK(!rmdir(path_of("m")), "the folder is taken away");
		CHECK(soon(" b"), "and what it said:%s", said);
	} else {
		check_skip("mounting needs root");
		rmdir(path_of("m"));
		begin();
	}
	CHECK(!mkdir(path_of("m"), 0755), "once more");
	write_file("m/p.yaml", POLICY("m"));
	CHECK(soon(" b m"), "it is followed like the first:%s", said);
	end();
}

int main(void)
{
	char remove[100];

	snprintf(dir, sizeof(dir), "/tmp/weir-files-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	snprintf(data, sizeof(data), "%s/data", dir);
	CHECK(!mkdir(state_dir, 0755) && !mkdir(data, 0755) && !loop_open(&loop), "a place");
	log_open("files", LOG_LEVEL_ERROR, false);
	if (leases())
		half_written();
	else
		check_skip("no leases here: a file that is being written looks like any other");
	broken_while_away();
	links();
	emptied();
	folders();
	loop_close(loop);
	snprintf(remove, sizeof(remove), "rm -rf %s", dir);
	if (system(remove))
		printf("cannot remove '%s'\n", dir);
	return check_done();
}
