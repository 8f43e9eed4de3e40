// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/http/request.h"
#include "lib/utf8.h"

static int read_line(struct http_request *r, char *line);
static int read_target(struct http_request *r, char *target);
static int read_field(struct http_request *r, char *line);
static int understand(struct http_request *r);

/* How long the head is with its empty line; 0: not whole yet; -400: a line that does not end as it should. */
static int head_size(const char *buf, size_t size)
{
	const char *at = buf, *end = buf + size, *lf;

	while ((lf = memchr(at, '\n', end - at))) {
		if (lf == buf || lf[-1] != '\r')
			return -400;
		if (lf - at == 1)
			return lf + 1 - buf;
		at = lf + 1;
	}
	return 0;
}

int http_request_read(struct http_request *r, char *buf, size_t size)
{
	size_t skip = size >= 2 && buf[0] == '\r' && buf[1] == '\n' ? 2 : 0;	/* some end a body with one line too many */
	char *line = buf + skip, *end;
	int n, err;

	if (size == skip || (size == 1 && buf[0] == '\r'))
		return 0;
	if (*line < 'A' || *line > 'Z')
		return -400;		/* TLS, most likely */
	n = head_size(line, size - skip);
	if (!n)
		return size < HTTP_HEAD_MOST ? 0 : memchr(line, '\r', size - skip) ? -431 : -414;
	if (n < 0)
		return n;
	if (memchr(line, '\0', n))
		return -400;
	memset(r, 0, sizeof(*r));
	end = line + n - 2;
	*end = '\0';
	for (char *next, *at = line; at < end; at = next) {
		next = strstr(at, "\r\n");
		*next = '\0';
		next += 2;
		err = at == line ? read_line(r, at) : read_field(r, at);
		if (err)
			return err;
	}
	err = understand(r);
	return err ? err : (int)(skip + n);
}

/* GET /path?query HTTP/1.1 */
static int read_line(struct http_request *r, char *line)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return -400;
	*target++ = '\0';
	*version++ = '\0';
	if (strncmp(version, "HTTP/", 5) || !isdigit((unsigned char)version[5]) || version[6] != '.' ||
	    !isdigit((unsigned char)version[7]) || version[8])
		return -400;
	if (version[5] != '1')
		return -505;
	r->old = version[7] == '0';
	r->head = !strcmp(line, "HEAD");
	r->post = !strcmp(line, "POST");
	if (!r->head && !r->post && strcmp(line, "GET"))
		return -405;
	return read_target(r, target);
}

static bool is_utf8(const char *text)
{
	unsigned int n;

	for (size_t left = strlen(text); left; text += n, left -= n) {
		n = utf8_length(text, left);
		if (!n)
			return false;
	}
	return true;
}

/* A path that could mean another than it says is none. */
static bool path_plain(const char *path)
{
	if (*path != '/' || strchr(path, '\\'))
		return false;
	for (const char *at = path; *at;) {
		size_t n = strcspn(++at, "/");

		if (!n && *at)
			return false;				/* an empty segment; one at the end is a folder's */
		if ((n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += n;
	}
	return is_utf8(path);
}

static int read_target(struct http_request *r, char *target)
{
	char *slash;

	if (strlen(target) > HTTP_PATH_MOST)
		return -414;
	for (const char *c = target; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '#')
			return -400;
	if (!strncasecmp(target, "http://", 7)) {		/* as a proxy is asked: who it was for says Host, too */
		slash = strchr(target + 7, '/');
		if (!slash)
			return -400;
		target = slash;
	}
	r->path = target;
	r->query = strchr(target, '?');
	if (r->query)
		*r->query++ = '\0';
	else
		r->query = target + strlen(target);
	if (strcasestr(target, "%2f") || http_decode(r->path, false) < 0 || !path_plain(r->path))
		return -400;
	return 0;
}

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return false;
	return true;
}

static int read_field(struct http_request *r, char *line)
{
	char *value = strchr(line, ':'), *end;

	if (r->fields == HTTP_FIELDS_MOST)
		return -431;
	if (!value)
		return -400;
	*value++ = '\0';
	if (!is_token(line))			/* a blank before the colon, a folded line */
		return -400;
	while (*value == ' ' || *value == '\t')
		value++;
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	for (const char *c = value; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return -400;
	r->field[r->fields++] = (struct http_field){ line, value };
	return 0;
}

/* How long the body is.  A GET with one is nothing that we are asked; two lengths are two requests. */
static int read_length(struct http_request *r, const char *value, bool again)
{
	size_t digits = strspn(value, "0123456789");

	if (!digits || value[digits] || again)
		return -400;
	if (!r->post && strcmp(value, "0"))
		return -413;
	r->body = digits < 9 ? strtoul(value, NULL, 10) : HTTP_BODY_MOST + 1;
	return r->body > HTTP_BODY_MOST ? -413 : 0;
}

/* What the fields say of the message itself. */
static int understand(struct http_request *r)
{
	const char *connection = http_request_field(r, "connection");
	unsigned int lengths = 0;

	if (!r->path)
		return -400;
	for (unsigned int i = 0; i < r->fields; i++) {
		const struct http_field *f = &r->field[i];

		if (!strcasecmp(f->name, "host")) {
			if (r->host)
				return -400;
			r->host = f->value;
		} else if (!strcasecmp(f->name, "transfer-encoding")) {
			return -400;
		} else if (!strcasecmp(f->name, "content-length")) {
			int err = read_length(r, f->value, lengths++);

			if (err)
				return err;
		}
	}
	if (!r->host && !r->old)
		return -400;
	r->close = connection && http_list_has(connection, "close");
	if (r->old && !(connection && http_list_has(connection, "keep-alive")))
		r->close = true;
	return 0;
}

const char *http_request_field(const struct http_request *r, const char *name)
{
	for (unsigned int i = 0; i < r->fields; i++)
		if (!strcasecmp(r->field[i].name, name))
			return r->field[i].value;
	return NULL;
}

static bool refused_by_q(const char *params, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if ((params[i] == 'q' || params[i] == 'Q') && params[i + 1] == '=')
			return params[i + 2] == '0' && strspn(params + i + 3, ".0") >= strcspn(params + i + 3, ",; \t");
	return false;
}

bool http_list_has(const char *list, const char *token)
{
	size_t want = strlen(token);

	while (*list) {
		size_t n, all;

		list += strspn(list, ", \t");
		all = strcspn(list, ",");
		n = strcspn(list, ",; \t");
		if (n == want && !strncasecmp(list, token, n))
			return !refused_by_q(list + n, all - n);
		list += all;
	}
	return false;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int http_decode(char *text, bool plus)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		int c = (unsigned char)*at;

		if (c == '%') {
			int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);

			if (low < 0)
				return -1;
			c = high << 4 | low;
			at += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c < ' ' || c == 0x7f)
			return -1;
		*to++ = c;
	}
	*to = '\0';
	return to - text;
}
