// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/flow.h>

#include "lib/addr.h"
#include "tools/words.h"

static int bad_target(const char *text, struct complaint *why)
{
	complaint_set(why, 0, 0, "'%s' is no destination: NAMESPACE/POD:PORT or ADDRESS:PORT, and /PROTOCOL if it is not TCP "
		      "(an IPv6 address in brackets)", text);
	return -EINVAL;
}

int end_parse(const char *text, const char *ns, char out[END_SIZE], struct complaint *why)
{
	const char *prefix = "", *slash = "";
	struct weir_addr a;

	if (ns && !strchr(text, '/') && addr_parse(text, &a)) {
		prefix = ns;
		slash = "/";
	}
	if (!*text || snprintf(out, END_SIZE, "%s%s%s", prefix, slash, text) >= END_SIZE) {
		complaint_set(why, 0, 0, "'%s' is neither NAMESPACE/POD nor an address", text);
		return -EINVAL;
	}
	return 0;
}

static int protocol_parse(const char *text, struct target *out)
{
	size_t n = strlen(text);

	if (!n || n >= sizeof(out->protocol))
		return -EINVAL;
	for (size_t i = 0; i <= n; i++) {
		if (text[i] && !isalnum((unsigned char)text[i]))
			return -EINVAL;
		out->protocol[i] = toupper((unsigned char)text[i]);
	}
	return 0;
}

/* What stands behind the last colon: PORT, PORT/PROTOCOL, or the name of a protocol without ports. */
static int port_parse(const char *text, struct target *out)
{
	unsigned long port;
	char *end;

	if (isalpha((unsigned char)*text))
		return protocol_parse(text, out);
	port = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || port > 65535 || (*end && *end != '/'))
		return -EINVAL;
	out->port = port;
	strcpy(out->protocol, "TCP");
	return *end ? protocol_parse(end + 1, out) : 0;
}

int target_parse(const char *text, const char *ns, struct target *out, struct complaint *why)
{
	const char *colon = strrchr(text, ':'), *first = text;
	size_t n = colon ? (size_t)(colon - text) : 0;
	char end[END_SIZE];

	memset(out, 0, sizeof(*out));
	if (!colon || !n || n >= sizeof(end) || port_parse(colon + 1, out))
		return bad_target(text, why);
	if (*first == '[' && first[n - 1] == ']') {
		first++;
		n -= 2;
	} else if (memchr(first, ':', n)) {
		return bad_target(text, why);	/* an IPv6 address whose last group would be taken for a port */
	}
	memcpy(end, first, n);
	end[n] = '\0';
	return end_parse(end, ns, out->end, why);
}

const char *reason_sentence(const char *word)
{
	static const struct { const char *word, *text; } reasons[] = {
#define X(name, fate, word, text) { word, text },
		WEIR_REASONS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].word, word))
			return reasons[i].text;
	return word;
}

const char *text_time(uint64_t ns, char *buf, size_t size)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	snprintf(buf, size, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned int)(ns / 1000000 % 1000));
	return buf;
}

const char *text_age(uint64_t ms, char *buf, size_t size)
{
	unsigned long long s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, size, "%llu ms", (unsigned long long)ms);
	else if (s < 60)
		snprintf(buf, size, "%llu.%llu s", s, (unsigned long long)ms / 100 % 10);
	else if (s < 3600)
		snprintf(buf, size, "%llum %02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh %02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud %lluh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *text_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = bytes;
	int unit = -1;

	for (; n >= 1024 && unit < 3; unit++)
		n /= 1024;
	if (unit < 0)
		snprintf(buf, size, "%llu B", (unsigned long long)bytes);
	else
		snprintf(buf, size, "%.1f %s", n, units[unit]);
	return buf;
}

const char *colour_on(enum colour c, bool wanted)
{
	static const char *const code[] = { "", "\033[32m", "\033[1;31m", "\033[33m", "\033[2m" };

	return wanted ? code[c] : "";
}

const char *colour_off(bool wanted)
{
	return wanted ? "\033[0m" : "";
}
