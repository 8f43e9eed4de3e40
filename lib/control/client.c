// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/control/client.h"
#include "lib/control/frame.h"

struct control {
	int fd;
	struct frame_in in;
	char server[128];
};

static int connect_to(struct control *c, struct complaint *why)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = strncmp(c->server, "unix:", 5) ? c->server : c->server + 5;

	if (!*path || strlen(path) >= sizeof(to.sun_path)) {
		complaint_set(why, 0, 0, "'%s' is no server: it is unix:PATH, the path at most %zu bytes", c->server,
			      sizeof(to.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(to.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int err = -errno;

		complaint_set(why, 0, 0, "cannot reach an agent at '%s': %s (%s)", c->server, strerror(-err),
			      err == -EACCES ? "its owner and root may" :
			      "is weir-agent running? --server or WEIR_SERVER says where");
		return err;
	}
	return 0;
}

int control_open(struct control **out, const char *server, struct complaint *why)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->in.most = FRAME_REPLY_MAX;
	if (strlen(server) >= sizeof(c->server)) {
		complaint_set(why, 0, 0, "the server's name is too long");
		control_close(c);
		return -EINVAL;
	}
	strcpy(c->server, server);
	err = connect_to(c, why);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	frame_in_free(&c->in);
	free(c);
}

static int gone(struct control *c, int err, struct complaint *why)
{
	complaint_set(why, 0, 0, "the agent at '%s' hung up: %s", c->server, strerror(-err));
	return err;
}

int control_ask(struct control *c, const Weir__V1__Request *ask, struct complaint *why)
{
	struct frame_out out = { .most = FRAME_JUDGE_MAX + 64 };
	int err = frame_put(&out, &ask->base);

	if (!err)
		err = frame_flush(&out, c->fd);
	frame_out_free(&out);
	return err ? gone(c, err, why) : 0;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Until something can be read; -ETIMEDOUT at 'until', -1 being never. */
static int wait_readable(struct control *c, long long until, struct complaint *why)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		long long left = until < 0 ? -1 : until - now_ms();
		int n = poll(&p, 1, until < 0 ? -1 : left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return gone(c, -errno, why);
		if (n < 0)
			return -EINTR;		/* a signal: the caller may want to end */
		complaint_set(why, 0, 0, "the agent at '%s' does not answer", c->server);
		return -ETIMEDOUT;
	}
}

static int unpack(const uint8_t *data, size_t size, Weir__V1__Reply **out, struct complaint *why)
{
	Weir__V1__Reply *reply = weir__v1__reply__unpack(NULL, size, data);

	if (!reply) {
		complaint_set(why, 0, 0, "the agent's answer makes no sense (another version?)");
		return -EBADMSG;
	}
	if (reply->error && *reply->error) {
		complaint_set(why, 0, 0, "%s", reply->error);
		weir__v1__reply__free_unpacked(reply, NULL);
		return -EREMOTEIO;
	}
	*out = reply;
	return 0;
}

int control_answer(struct control *c, Weir__V1__Reply **out, int ms, struct complaint *why)
{
	long long until = ms < 0 ? -1 : now_ms() + ms;
	const uint8_t *data;
	size_t size;
	int n, err;

	while ((n = frame_next(&c->in, &data, &size)) == 0) {
		err = wait_readable(c, until, why);
		if (err)
			return err;
		err = frame_read(&c->in, c->fd);
		if (err)
			return gone(c, err, why);
	}
	return n < 0 ? gone(c, n, why) : unpack(data, size, out, why);
}

int control_ask_once(struct control *c, const Weir__V1__Request *ask, Weir__V1__Reply **out, int ms,
		     struct complaint *why)
{
	int err = control_ask(c, ask, why) ?: control_answer(c, out, ms, why);

	if (err == -ETIMEDOUT)
		shutdown(c->fd, SHUT_RDWR);	/* or the next question would have this one's answer */
	return err;
}
