/* SPDX-License-Identifier: Apache-2.0 */
/* How people write and read: ends, ports, reasons, times, sizes, verdicts. */
#ifndef WEIR_TOOLS_WORDS_H
#define WEIR_TOOLS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/complaint.h"

#define END_SIZE 256

/* "shop/db:5432", "10.0.0.1:53/udp", "[fd00::1]:80", "shop/db:icmp", "db:5432" in the namespace given. */
struct target {
	char end[END_SIZE];
	unsigned int port;		/* 0 for what has none */
	char protocol[16];		/* in capitals, or a number; TCP if not said */
};
int target_parse(const char *text, const char *ns, struct target *out, struct complaint *why);

/* A pod's name with the namespace if it has none; addresses as they are. */
int end_parse(const char *text, const char *ns, char out[END_SIZE], struct complaint *why);

const char *reason_sentence(const char *word);		/* of enum weir_reason; the word itself if it is no reason */

const char *text_time(uint64_t ns, char *buf, size_t size);	/* 14:02:11.482, local */
const char *text_age(uint64_t ms, char *buf, size_t size);	/* 420 ms, 3.1 s, 5m 12s, 3h 07m, 2d 4h */
const char *text_bytes(uint64_t bytes, char *buf, size_t size);	/* 512 B, 4.2 KiB */

enum colour { COLOUR_PLAIN, COLOUR_GOOD, COLOUR_BAD, COLOUR_WARN, COLOUR_DIM };
const char *colour_on(enum colour c, bool wanted);	/* "" if not wanted */
const char *colour_off(bool wanted);

#endif
