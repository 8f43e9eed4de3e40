// SPDX-License-Identifier: Apache-2.0
/* What the JSON writer says, byte by byte. */
#include <stdlib.h>

#include "lib/json_write.h"
#include "tests/check.h"

static void quoted(const char *text, const char *want)
{
	char *got;
	size_t size;
	FILE *f = open_memstream(&got, &size);

	json_quote(f, text);
	fclose(f);
	CHECK_TEXT(got, want, "quoted");
	free(got);
}

static void fill(struct json_out *j)
{
	json_object(j, NULL);
	json_text(j, "pod", "shop/web");
	json_text(j, "none", NULL);
	json_array(j, "addresses");
	json_text(j, NULL, "10.0.0.1");
	json_text(j, NULL, "fd00::1");
	json_end(j);
	json_object(j, "empty");
	json_end(j);
	json_array(j, "bare");
	json_end(j);
	json_uint(j, "bytes", UINT64_MAX);
	json_int(j, "skew", -5);
	json_number(j, "ratio", 0.25);
	json_number(j, "nan", 0.0 / 0.0);
	json_bool(j, "ready", true);
	json_null(j, "nothing");
	json_end(j);
}

static void written(bool indent, const char *want)
{
	struct json_out j;
	char *got;
	size_t size;
	FILE *f = open_memstream(&got, &size);

	json_begin(&j, f, indent);
	fill(&j);
	CHECK_EQ(json_done(&j), 0, "a sound stream");
	fclose(f);
	CHECK_TEXT(got, want, "written");
	free(got);
}

static void full(void)
{
	struct json_out j;
	FILE *f = fopen("/dev/full", "w");

	if (!f) {
		check_skip("needs /dev/full");
		return;
	}
	setvbuf(f, NULL, _IONBF, 0);
	json_begin(&j, f, false);
	fill(&j);
	CHECK(json_done(&j) < 0, "a full disk is an error");
	fclose(f);
}

int main(void)
{
	quoted("plain", "\"plain\"");
	quoted("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	quoted("\n\t\r\b\f\x01\x7f", "\"\\n\\t\\r\\b\\f\\u0001\\u007f\"");
	quoted("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8a", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8a\"");
	quoted("cut \xe2\x82", "\"cut \\ufffd\\ufffd\"");
	quoted("\xc0\xaf\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");

	written(false, "{\"pod\":\"shop/web\",\"none\":null,\"addresses\":[\"10.0.0.1\",\"fd00::1\"],\"empty\":{},"
		       "\"bare\":[],\"bytes\":18446744073709551615,\"skew\":-5,\"ratio\":0.25,\"nan\":null,"
		       "\"ready\":true,\"nothing\":null}\n");
	written(true, "{\n  \"pod\": \"shop/web\",\n  \"none\": null,\n  \"addresses\": [\n    \"10.0.0.1\",\n"
		      "    \"fd00::1\"\n  ],\n  \"empty\": {},\n  \"bare\": [],\n  \"bytes\": 18446744073709551615,\n"
		      "  \"skew\": -5,\n  \"ratio\": 0.25,\n  \"nan\": null,\n  \"ready\": true,\n  \"nothing\": null\n}\n");
	full();
	return check_done();
}
