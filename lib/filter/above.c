// SPDX-License-Identifier: Apache-2.0
/* Fields above layer 4: HTTP and DNS.  Flows without them fit none of these. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "flow/flow.pb-c.h"
#include "lib/filter/readers.h"
#include "lib/filter/regex.h"

#define PATH_LONGEST 8192	/* of a URL's path, without its escapes; what is longer fits nothing */

static const struct flow_more *above(const struct flow *flow, enum flow_l7 what)
{
	return flow->more && flow->more->l7 == what ? flow->more : NULL;
}

/* 404, 40+, 4+ */
READER(status)
{
	const char *text = *(char *const *)element;
	size_t digits = strspn(text, "0123456789");
	struct status_value *v = value;
	char show[COMPILER_SHOW];
	bool begins = digits < 3 && !strcmp(text + digits, "+");

	if (!digits || text[0] < '1' || text[0] > '5' || (!begins && (digits != 3 || text[3])))
		return compiler_refuse(c, "'%s' is no status of HTTP: 404, or how it begins: 40+, 5+", compiler_show(text, show));
	for (size_t i = 0; i < 3; i++) {
		v->first = v->first * 10 + (i < digits ? text[i] - '0' : 0);
		v->last = v->last * 10 + (i < digits ? text[i] - '0' : 9);
	}
	return 0;
}

HOLDS(status)
{
	const struct flow_more *http = above(flow, FLOW_L7_HTTP);
	const struct status_value *v = c->value;

	for (uint32_t i = 0; i < c->n && http; i++)
		if (http->http_status >= v[i].first && http->http_status <= v[i].last)
			return true;
	return false;
}

READER(method)
{
	return filter_read_text(c, element, value);
}

HOLDS(method)
{
	const struct flow_more *http = above(flow, FLOW_L7_HTTP);
	const char *const *v = c->value;

	for (uint32_t i = 0; i < c->n && http; i++)
		if (http->http_method && !strcasecmp(v[i], http->http_method))
			return true;
	return false;
}

READER(regex)
{
	const char *text = *(char *const *)element;
	struct regex **r = value;
	struct complaint why;
	int err;

	if (strlen(text) > FILTERS_TEXT)
		return compiler_refuse(c, "longer than %d bytes", FILTERS_TEXT);
	err = regex_parse(text, &c->f->things, r, &why);
	if (err == -EINVAL)
		return compiler_refuse(c, "%s", why.text);
	if (err)
		return err;
	c->steps += regex_steps(*r);
	if (c->steps > FILTERS_STEPS)
		return compiler_refuse(c, "the expressions of all filters are too large together (more than %d steps)",
				       FILTERS_STEPS);
	return 0;
}

static bool found(const struct condition *c, const char *text, size_t length)
{
	struct regex *const *r = c->value;

	for (uint32_t i = 0; i < c->n; i++)
		if (regex_find(r[i], text, length))
			return true;
	return false;
}

static int hex(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

/* The path of a URL without its escapes; -1: it is no URL, or too long. */
static int path_of(const char *url, char *to, size_t size)
{
	const char *scheme = strstr(url, "://"), *p = url, *end;
	size_t n = 0;

	if (scheme && scheme == url + strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."))
		p = scheme + 3 + strcspn(scheme + 3, "/?#");
	end = p + strcspn(p, "?#");
	while (p < end && n < size) {
		if (*p == '%') {
			if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
				return -1;
			to[n++] = hex(p[1]) << 4 | hex(p[2]);
			p += 3;
		} else {
			to[n++] = *p++;
		}
	}
	return p < end ? -1 : (int)n;
}

/* The URL of a request; NULL: it has none. */
static const char *url_of(const struct flow *flow)
{
	const struct flow_more *http = above(flow, FLOW_L7_HTTP);

	return http && http->http_url && *http->http_url ? http->http_url : NULL;
}

HOLDS(http_path)
{
	const char *url = url_of(flow);
	char path[PATH_LONGEST];
	int n = url ? path_of(url, path, sizeof(path)) : -1;

	return n >= 0 && found(c, path, n);
}

HOLDS(http_url)
{
	const char *url = url_of(flow);

	return url && found(c, url, strlen(url));
}

HOLDS(dns_query)
{
	const struct flow_more *dns = above(flow, FLOW_L7_DNS);

	return dns && dns->dns_query && found(c, dns->dns_query, strlen(dns->dns_query));
}

READER(header)
{
	const Flow__HTTPHeader *h = *(Flow__HTTPHeader *const *)element;
	struct flow_header *v = value;

	if (strlen(h->key) > FILTERS_TEXT || strlen(h->value) > FILTERS_TEXT)
		return compiler_refuse(c, "longer than %d bytes", FILTERS_TEXT);
	v->key = filter_keep_text(c, h->key);
	v->value = filter_keep_text(c, h->value);
	return v->key && v->value ? 0 : -ENOMEM;
}

HOLDS(header)
{
	const struct flow_more *http = above(flow, FLOW_L7_HTTP);
	const struct flow_header *v = c->value;

	for (uint32_t i = 0; i < c->n && http; i++)
		for (unsigned int n = 0; n < http->http_headers; n++)
			if (!strcmp(v[i].key, http->http_header[n].key) && !strcmp(v[i].value, http->http_header[n].value))
				return true;
	return false;
}
