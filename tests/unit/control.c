// SPDX-License-Identifier: Apache-2.0
/* The control socket's framing and the client: cut anywhere, too long, a queue that is full, answers in parts. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/control/client.h"
#include "lib/control/frame.h"
#include "tests/check.h"

static char path[64];

/* Every message arrives whole, whatever pieces the stream is cut into. */
static void test_pieces(void)
{
	struct frame_out out = { .most = 1 << 20 };
	struct frame_in in = { .most = 1 << 16 };
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	const uint8_t *data;
	size_t size, sum = 0, want = 0;
	char text[5000];
	int fds[2], got = 0;

	memset(text, 'x', sizeof(text));
	reply.error = text;
	for (int i = 0; i < 20; i++) {
		text[i * 250] = '\0';
		want += i * 250;
		CHECK_EQ(frame_put(&out, &reply.base), 0, "put %d", i);
		text[i * 250] = 'x';
	}
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, "pair");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	CHECK_EQ(frame_read(&in, fds[0]), -EAGAIN, "nothing there yet");
	for (size_t at = 0, step = 1; at < out.used; at += step, step = step % 97 + 1) {
		step = step < out.used - at ? step : out.used - at;
		CHECK_EQ(write(fds[1], out.buf + at, step), step, "write");
		CHECK_EQ(frame_read(&in, fds[0]), 0, "read");
		while (frame_next(&in, &data, &size) == 1) {
			Weir__V1__Reply *r = weir__v1__reply__unpack(NULL, size, data);

			CHECK(r, "message %d unpacks", got);
			sum += r ? strlen(r->error) : 0;
			weir__v1__reply__free_unpacked(r, NULL);
			got++;
		}
	}
	CHECK_EQ(got, 20, "messages");
	CHECK_EQ(sum, want, "their bytes");
	close(fds[1]);
	CHECK_EQ(frame_read(&in, fds[0]), -EPIPE, "the end");
	close(fds[0]);
	frame_in_free(&in);
	frame_out_free(&out);
}

static void test_bounds(void)
{
	struct frame_out out = { .most = 100 };
	struct frame_in in = { .most = 100 };
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	const uint8_t long_head[4] = { 0, 0, 0, 101 }, *data;
	char text[200];
	size_t size;
	int fds[2], n = 0;

	memset(text, 'x', sizeof(text));
	text[40] = '\0';
	reply.error = text;
	while (frame_put(&out, &reply.base) == 0 && n < 100)
		n++;
	CHECK_EQ(n, 2, "two of 46 bytes fit into 100");
	CHECK_EQ(frame_waiting(&out), 92, "and wait");
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, "pair");
	CHECK_EQ(frame_flush(&out, fds[0]), 0, "they go");
	CHECK_EQ(frame_put(&out, &reply.base), 0, "and there is room again");
	CHECK_EQ(write(fds[0], long_head, 4), 4, "a length beyond the bound");
	CHECK_EQ(frame_read(&in, fds[1]), 0, "read");
	while ((n = frame_next(&in, &data, &size)) == 1)
		;
	CHECK_EQ(n, -EMSGSIZE, "is refused");
	close(fds[1]);
	CHECK_EQ(frame_flush(&out, fds[0]), -EPIPE, "nobody reads: no signal, an error");
	close(fds[0]);
	frame_in_free(&in);
	frame_out_free(&out);
}

/* A server that answers one request by three parts, one by an error, and then hangs up. */
static void *serve(void *ctx)
{
	int fd = accept(*(int *)ctx, NULL, NULL);
	struct frame_in in = { .most = FRAME_REQUEST_MAX };
	struct frame_out out = { .most = 1 << 20 };
	const uint8_t *data;
	size_t size;

	for (int asked = 0; asked < 2;) {
		if (frame_next(&in, &data, &size) == 1) {
			Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

			for (int i = 0; i < 3 && !asked; i++) {
				reply.done = i == 2;
				frame_put(&out, &reply.base);
			}
			if (asked++) {
				reply.error = "no such pod";
				frame_put(&out, &reply.base);
			}
			frame_flush(&out, fd);
		} else if (frame_read(&in, fd)) {
			break;
		}
	}
	frame_in_free(&in);
	frame_out_free(&out);
	close(fd);
	return NULL;
}

/* A listener at 'path'. */
static int listener(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(path);
	strcpy(at.sun_path, path);
	CHECK(!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 1), "listen");
	return fd;
}

static void test_client(void)
{
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__StatusRequest status = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Reply *reply;
	struct complaint why = { 0 };
	struct control *c = NULL;
	pthread_t thread;
	int fd, parts = 0;
	bool done = false;

	CHECK_EQ(control_open(&c, path, &why), -ENOENT, "nobody there");
	CHECK(strstr(why.text, "is weir-agent running?"), "says what to do: %s", why.text);
	CHECK_EQ(control_open(&c, "unix:", &why), -EINVAL, "no path");
	fd = listener();
	pthread_create(&thread, NULL, serve, &fd);
	CHECK_EQ(control_open(&c, path, &why), 0, "open: %s", why.text);
	ask.ask_case = WEIR__V1__REQUEST__ASK_STATUS;
	ask.status = &status;
	CHECK_EQ(control_ask(c, &ask, &why), 0, "ask");
	while (!done && control_answer(c, &reply, 2000, &why) == 0) {
		parts++;
		done = reply->done;
		weir__v1__reply__free_unpacked(reply, NULL);
	}
	CHECK_EQ(parts, 3, "an answer in three parts");
	CHECK_EQ(control_answer(c, &reply, 20, &why), -ETIMEDOUT, "nothing more comes");
	CHECK_EQ(control_ask_once(c, &ask, &reply, 2000, &why), -EREMOTEIO, "an error");
	CHECK_TEXT(why.text, "no such pod", "in the agent's words");
	CHECK_EQ(control_answer(c, &reply, 2000, &why), -EPIPE, "the agent is gone");
	pthread_join(thread, NULL);
	control_close(c);
	close(fd);
}

/* Answers the first question late. */
static void *serve_late(void *listener)
{
	int fd = accept(*(int *)listener, NULL, NULL);
	struct frame_in in = { .most = 1 << 20 };
	struct frame_out out = { .most = 1 << 20 };
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;
	const uint8_t *data;
	size_t size;

	while (frame_next(&in, &data, &size) == 0 && !frame_read(&in, fd))
		;
	usleep(150000);
	frame_put(&out, &reply.base);
	frame_flush(&out, fd);
	while (!frame_read(&in, fd))
		;
	frame_in_free(&in);
	frame_out_free(&out);
	close(fd);
	return NULL;
}

static void test_late_answer(void)
{
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__StatusRequest status = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Reply *reply;
	struct complaint why = { 0 };
	struct control *c = NULL;
	pthread_t thread;
	int fd = listener(), err;

	pthread_create(&thread, NULL, serve_late, &fd);
	CHECK_EQ(control_open(&c, path, &why), 0, "open: %s", why.text);
	ask.ask_case = WEIR__V1__REQUEST__ASK_STATUS;
	ask.status = &status;
	CHECK_EQ(control_ask_once(c, &ask, &reply, 20, &why), -ETIMEDOUT, "no answer in time");
	usleep(200000);
	err = control_ask_once(c, &ask, &reply, 20000, &why);
	CHECK(err == -EPIPE || err == -ECONNRESET, "the next question does not have its answer: %d", err);
	control_close(c);
	pthread_join(thread, NULL);
	close(fd);
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/weir-control-test-%d", getpid());
	test_pieces();
	test_bounds();
	test_client();
	test_late_answer();
	unlink(path);
	return check_done();
}
