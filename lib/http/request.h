/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request's head, read in place and strictly: what two readers could read differently is refused, so that no proxy
 * before us sees another request than we do.
 *
 *	n = http_request_read(&r, buf, have);
 *	if (n > 0)		whole: n bytes, r's strings lie in them
 *	else if (n < 0)		refused: answer -n and hang up
 */
#ifndef WEIR_LIB_HTTP_REQUEST_H
#define WEIR_LIB_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/http/http.h"

struct http_field {
	char *name, *value;
};

struct http_request {
	bool head;			/* HEAD, not GET */
	bool post;			/* POST, neither */
	size_t body;			/* bytes that follow: of POST alone */
	bool old;			/* HTTP/1.0: no chunks */
	bool close;			/* the connection ends with the answer */
	char *path, *query, *host;
	unsigned int fields;
	struct http_field field[HTTP_FIELDS_MOST];
};

/* 'buf' has room for one byte more than 'size'. */
int http_request_read(struct http_request *r, char *buf, size_t size);
const char *http_request_field(const struct http_request *r, const char *name);		/* NULL: absent */

/* Whether a list such as "a, B;q=1" names 'token', in any case and not with q=0. */
bool http_list_has(const char *list, const char *token);

/* Decodes %XX in place ('plus': and '+').  Its length, or -1 for what makes no sense or decodes to a control character. */
int http_decode(char *text, bool plus);

#endif
