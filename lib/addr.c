// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"

static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

int addr_parse(const char *text, struct weir_addr *out)
{
	struct weir_addr a;

	memcpy(a.byte, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, a.byte + 12) != 1) {
		if (inet_pton(AF_INET6, text, a.byte) != 1 || addr_is_v4(&a))
			return -EINVAL;
	}
	*out = a;
	return 0;
}

const char *addr_text(const struct weir_addr *a, char buf[ADDR_TEXT_SIZE])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->byte + 12, buf, ADDR_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, a->byte, buf, ADDR_TEXT_SIZE);
	return buf;
}

bool addr_is_v4(const struct weir_addr *a)
{
	return !memcmp(a->byte, mapped, sizeof(mapped));
}

bool addr_equal(const struct weir_addr *a, const struct weir_addr *b)
{
	return !memcmp(a->byte, b->byte, sizeof(a->byte));
}

static void mask(struct weir_addr *a, unsigned int length)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int keep = length > i * 8 ? length - i * 8 : 0;

		if (keep < 8)
			a->byte[i] &= 0xff00 >> keep;
	}
}

int prefix_parse(const char *text, struct weir_prefix *out)
{
	const char *slash = strchr(text, '/');
	struct weir_addr a;
	unsigned int length = 128;
	char word[ADDR_TEXT_SIZE], *end;
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits, most;
	int err;

	if (n >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, n);
	word[n] = '\0';
	err = addr_parse(word, &a);
	if (err)
		return err;
	if (slash) {
		most = addr_is_v4(&a) ? 32 : 128;
		bits = strtoul(slash + 1, &end, 10);
		if (!isdigit((unsigned char)slash[1]) || *end || bits > most)
			return -EINVAL;
		length = 128 - most + bits;
		mask(&a, length);
	}
	*out = (struct weir_prefix){ .length = length, .addr = a };
	return 0;
}

const char *prefix_text(const struct weir_prefix *p, char buf[ADDR_TEXT_SIZE])
{
	struct weir_addr a = p->addr;		/* out of a packed struct */
	bool v4 = p->length >= 96 && addr_is_v4(&a);
	size_t n;

	addr_text(&a, buf);
	n = strlen(buf);
	snprintf(buf + n, ADDR_TEXT_SIZE - n, "/%u", p->length - (v4 ? 96 : 0));
	return buf;
}

bool prefix_covers(const struct weir_prefix *p, const struct weir_addr *a)
{
	struct weir_addr net = *a, want = p->addr;

	if (addr_is_v4(a) && p->length < 96)
		return false;
	mask(&net, p->length);
	return addr_equal(&net, &want);
}
