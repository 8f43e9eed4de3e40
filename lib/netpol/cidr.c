// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/netpol/cidr.h"

#define NO_RANGE "is no address range; write one like 10.0.0.0/8 or fd00::/8"

/* 010.0.0.1 becomes 10.0.0.1. */
static void without_zeros(const char *from, size_t n, char *to)
{
	for (size_t i = 0; i < n; ) {
		while (from[i] == '0' && i + 1 < n && from[i + 1] >= '0' && from[i + 1] <= '9')
			i++;
		while (i < n && from[i] != '.')
			*to++ = from[i++];
		if (i < n)
			*to++ = from[i++];
	}
	*to = 0;
}

/* Why a text is no address that can be had. */
static const char *wrong(const char *text)
{
	struct in6_addr mapped;

	if (inet_pton(AF_INET6, text, &mapped) == 1)
		return "is an IPv4 address in IPv6 clothes; write it as IPv4";
	return strchr(text, ':') && strchr(text, '%') ? "has a zone, and policies know none; leave out what begins with %"
						      : NO_RANGE;
}

const char *cidr_parse(const char *text, enum cidr_zeros zeros, struct weir_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char part[64], whole[72];
	const char *length;
	struct weir_addr a;

	if (n >= sizeof(part))
		return NO_RANGE;
	snprintf(part, sizeof(part), "%.*s", (int)n, text);
	if (!strchr(part, ':'))
		without_zeros(text, n, part);
	if (addr_parse(part, &a))
		return wrong(part);
	if (strlen(part) != n && zeros == CIDR_STRICT)
		return "has leading zeros, which some read as octal; leave them out";
	if (!slash)
		return addr_is_v4(&a) ? "has no prefix length; for one address write /32 behind it"
				      : "has no prefix length; for one address write /128 behind it";
	length = slash + 1 + (zeros == CIDR_ZEROS && slash[1] ? strspn(slash + 1, "0") : 0);
	length -= zeros == CIDR_ZEROS && length > slash + 1 && !*length;
	snprintf(whole, sizeof(whole), "%s/%.4s", part, length);
	if (!*length || length[strspn(length, "0123456789")] || (length[0] == '0' && length[1]) ||
	    strlen(length) > 3 || prefix_parse(whole, out))
		return addr_is_v4(&a) ? "has no prefix length from 0 to 32" : "has no prefix length from 0 to 128";
	return NULL;
}
