// SPDX-License-Identifier: Apache-2.0
/* The loop: order of timers, descriptors that come and go inside callbacks, posts from threads, signals. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "lib/loop.h"
#include "tests/check.h"

static struct loop *loop;
static char seen[64];
static int pipes[2][2];

static void note(void *ctx)
{
	strncat(seen, ctx, sizeof(seen) - strlen(seen) - 1);
}

static void note_stop(void *ctx)
{
	note(ctx);
	loop_stop(loop);
}

static void stop(void *ctx)
{
	loop_stop(loop);
}

static void begin(void)
{
	seen[0] = '\0';
	CHECK_EQ(loop_open(&loop), 0, "open");
}

static void test_timers(void)
{
	struct loop_timer a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	struct timespec t0, t1;

	begin();
	clock_gettime(CLOCK_MONOTONIC, &t0);
	loop_after(loop, &a, 30, note_stop, "a");
	loop_after(loop, &b, 10, note, "b");
	loop_after(loop, &c, 20, note, "c");
	loop_after(loop, &d, 5, note, "d");
	loop_cancel(loop, &d);
	loop_after(loop, &c, 2, note, "c");
	CHECK_EQ(loop_run(loop), 0, "run");
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK_TEXT(seen, "cba", "timers fire by time, a cancelled one never, one set anew by its new time");
	CHECK((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000 >= 29, "not before its time");
	CHECK(!a.when && !b.when, "a timer that fired is not set");
	loop_close(loop);
}

static struct loop_timer again_timer;
static void again(void *ctx)
{
	note("x");
	if (strlen(seen) < 5)
		loop_after(loop, &again_timer, 0, again, NULL);
	else
		loop_stop(loop);
}

static void test_timer_again(void)
{
	begin();
	loop_after(loop, &again_timer, 0, again, NULL);
	CHECK_EQ(loop_run(loop), 0, "run");
	CHECK_TEXT(seen, "xxxxx", "a timer may set itself anew");
	loop_close(loop);
}

/* Whichever is called first closes the other: the event that epoll already gave must not reach the dead one. */
static struct loop_timer forgotten;
static void close_other(void *ctx)
{
	int i = (int)(intptr_t)ctx;

	note(i ? "1" : "0");
	loop_forget(loop, pipes[!i][0]);
	loop_forget(loop, pipes[i][0]);
	loop_after(loop, &forgotten, 20, stop, NULL);
}

static void test_forget(void)
{
	begin();
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pipe(pipes[i]), 0, "pipe");
		CHECK_EQ(loop_read(loop, pipes[i][0], close_other, (void *)(intptr_t)i), 0, "read");
		CHECK_EQ(write(pipes[i][1], "x", 1), 1, "write");
	}
	loop_after(loop, &forgotten, 10000, stop, NULL);
	CHECK_EQ(loop_run(loop), 0, "run");
	CHECK_EQ(strlen(seen), 1, "only one of the two was called");
	for (int i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	loop_close(loop);
}

static void drain(void *ctx)
{
	char c;
	ssize_t n = read(pipes[0][0], &c, 1);

	note(n == 1 ? "r" : "h");
	if (n == 0)
		loop_stop(loop);
}

static void no_more(void *ctx)
{
	note("w");
	loop_write(loop, pipes[0][1], NULL, NULL);
	CHECK_EQ(write(pipes[0][1], "x", 1), 1, "write");
	loop_forget(loop, pipes[0][1]);
	close(pipes[0][1]);
}

static void test_write_and_hangup(void)
{
	begin();
	CHECK_EQ(pipe(pipes[0]), 0, "pipe");
	CHECK_EQ(loop_read(loop, pipes[0][0], drain, NULL), 0, "read");
	CHECK_EQ(loop_write(loop, pipes[0][1], no_more, NULL), 0, "write");
	CHECK_EQ(loop_run(loop), 0, "run");
	CHECK_TEXT(seen, "wrh", "writable once, then a byte, then the end");
	close(pipes[0][0]);
	loop_close(loop);
}

static int posted;
static void count(void *ctx)
{
	if (++posted == 4000)
		loop_stop(loop);
}

static void *poster(void *ctx)
{
	for (int i = 0; i < 1000; i++)
		while (loop_post(loop, count, NULL) == -EAGAIN)
			usleep(100);
	return NULL;
}

static void test_post(void)
{
	pthread_t threads[4];

	begin();
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, poster, NULL);
	CHECK_EQ(loop_run(loop), 0, "run");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(posted, 4000, "every post arrives once");
	loop_close(loop);
}

static void test_post_order_and_bound(void)
{
	int n = 0;

	begin();
	CHECK_EQ(loop_post(loop, note, "1"), 0, "first");
	CHECK_EQ(loop_post(loop, note, "2"), 0, "second");
	CHECK_EQ(loop_post(loop, note_stop, "3"), 0, "third");
	CHECK_EQ(loop_run(loop), 0, "run");
	CHECK_TEXT(seen, "123", "posts run in their order");
	while (n < 1000000 && loop_post(loop, note, "") == 0)
		n++;
	CHECK(n < 1000000, "a queue that nobody empties is full some day");
	loop_close(loop);
}

static void test_signal(void)
{
	begin();
	CHECK_EQ(loop_signal(loop, SIGUSR1, note_stop, "s"), 0, "signal");
	raise(SIGUSR1);
	CHECK_EQ(loop_run(loop), 0, "run");
	CHECK_TEXT(seen, "s", "a signal is a call");
	CHECK_EQ(loop_read(loop, -1, note, ""), -EBADF, "no descriptor");
	loop_close(loop);
	loop_close(NULL);
}

int main(void)
{
	test_timers();
	test_timer_again();
	test_forget();
	test_write_and_hangup();
	test_post();
	test_post_order_and_bound();
	test_signal();
	return check_done();
}
