// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/* The request reader: whatever comes, in whatever pieces, it reads the same or refuses, and a path is never tricky. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http/request.h"

static void must(int ok)
{
	if (!ok)
		abort();
}

/* 'have' bytes of 'data', in a buffer that ends where it says. */
static int read_part(struct http_request *r, char **buf, const uint8_t *data, size_t have)
{
	*buf = malloc(have + 1);
	memcpy(*buf, data, have);
	(*buf)[have] = '\0';
	return http_request_read(r, *buf, have);
}

static void check_path(const char *path)
{
	must(*path == '/' && !strchr(path, '\\') && !strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"));
	must(strlen(path) < 2 || strcmp(path + strlen(path) - 2, "/."));
	must(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/.."));
	for (; *path; path++)
		must((unsigned char)*path >= ' ' && *path != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r, part;
	char *buf, *piece;
	int n, m;

	if (size > HTTP_HEAD_MOST)
		size = HTTP_HEAD_MOST;
	n = read_part(&r, &buf, data, size);
	must(n <= (int)size);
	if (n > 0) {
		check_path(r.path);
		must(r.fields <= HTTP_FIELDS_MOST && (r.old || r.host));
		must(r.body <= HTTP_BODY_MOST && (r.post || !r.body) && !(r.post && r.head));
		http_list_has(http_request_field(&r, "accept-encoding") ?: "", "gzip");
		http_decode(r.query, true);
		/* what came in one piece is not refused, nor whole earlier, in two */
		for (size_t cut = 1; cut < (size_t)n; cut += 1 + cut / 8) {
			m = read_part(&part, &piece, data, cut);
			must(m == 0);
			free(piece);
		}
		m = read_part(&part, &piece, data, n);
		must(m == n && !strcmp(part.path, r.path));
		free(piece);
	}
	free(buf);
	return 0;
}
