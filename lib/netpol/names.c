// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/netpol/reading.h"

static bool small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool either(char c)
{
	return small(c) || (c >= 'A' && c <= 'Z');
}

static bool label(const char *s, size_t n)
{
	if (!n || n > 63 || !small(s[0]) || !small(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!small(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool name_is_label(const char *s)
{
	return label(s, strlen(s));
}

/* Unlike in DNS, a part between dots may be longer than 63: so the API has it. */
static bool subdomain(const char *s, size_t size)
{
	if (!size || size > 253)
		return false;
	for (size_t i = 0; i < size; i++) {
		bool edge = i == 0 || i + 1 == size || s[i - 1] == '.' || s[i + 1] == '.';

		if (s[i] == '.' ? edge : !(small(s[i]) || (s[i] == '-' && !edge)))
			return false;
	}
	return true;
}

bool name_is_subdomain(const char *s)
{
	return subdomain(s, strlen(s));
}

bool name_is_port(const char *s)
{
	size_t n = strlen(s);
	bool letter = false;

	if (!n || n > 15 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!small(s[i]) && (s[i] != '-' || s[i + 1] == '-'))
			return false;
		letter |= s[i] >= 'a' && s[i] <= 'z';
	}
	return letter;
}

static bool qualified(const char *s)
{
	size_t n = strlen(s);

	if (!n || n > 63 || !either(s[0]) || !either(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!either(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

bool name_is_label_key(const char *s)
{
	const char *slash = strchr(s, '/');

	return slash ? subdomain(s, slash - s) && qualified(slash + 1) : qualified(s);
}

bool name_is_label_value(const char *s)
{
	return !*s || qualified(s);
}
