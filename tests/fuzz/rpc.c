// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * What lib/rpc takes apart by itself: addresses as people write them, and sets of descriptors.  The first line is an
 * address, a file's name or a symbol, the rest is the set: what is found lies inside.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/descriptors.h"
#include "lib/rpc/listen.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split(const char *line)
{
	struct complaint why = { 0 };
	unsigned int port = 70000;
	char host[64];
	int err = address_split(line, host, sizeof(host), &port, &why);

	REQUIRE(err ? why.text[0] : port < 65536 && strlen(host) < sizeof(host));
}

static void inside(const struct span *found, const uint8_t *set, size_t size)
{
	REQUIRE(found->data >= set && found->data + found->size <= set + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size), *set;
	struct span found;
	size_t n;
	char *line;

	if (!end)
		return 0;
	line = strndup((const char *)data, (size_t)(end - data));
	set = end + 1;
	n = size - (size_t)(set - data);
	REQUIRE(line);
	split(line);
	descriptors_valid(set, n);
	if (descriptors_file(set, n, line, &found))
		inside(&found, set, n);
	if (descriptors_symbol(set, n, line, &found))
		inside(&found, set, n);
	free(line);
	return 0;
}
