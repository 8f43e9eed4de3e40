// SPDX-License-Identifier: Apache-2.0
/* A complaint names what is known, and never more than fits. */
#include "lib/complaint.h"
#include "tests/check.h"

int main(void)
{
	struct complaint why = { 0 };
	char buf[1024], small[12], long_text[2000];

	complaint_set(&why, 0, 0, "no such thing");
	CHECK_TEXT(complaint_text(&why, buf, sizeof(buf)), "no such thing", "text alone");
	complaint_file(&why, "db.yaml");
	CHECK_TEXT(complaint_text(&why, buf, sizeof(buf)), "db.yaml: no such thing", "with its file");
	complaint_set(&why, 14, 0, "port '%s' is a name", "https");
	CHECK_TEXT(complaint_text(&why, buf, sizeof(buf)), "db.yaml:14: port 'https' is a name", "with its line");
	complaint_set(&why, 14, 9, "x");
	CHECK_TEXT(complaint_text(&why, buf, sizeof(buf)), "db.yaml:14:9: x", "with its column");
	CHECK_TEXT(complaint_text(&why, small, sizeof(small)), "db.yaml:14:", "cut where it ends");
	why.file[0] = '\0';
	CHECK_TEXT(complaint_text(&why, buf, sizeof(buf)), "14:9: x", "a line without a file");

	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	complaint_set(&why, 1, 1, "%s", long_text);
	complaint_file(&why, long_text);
	CHECK_EQ(strlen(why.text), sizeof(why.text) - 1, "long text is cut");
	CHECK_EQ(strlen(why.file), sizeof(why.file) - 1, "long names are cut");
	CHECK_EQ(strlen(complaint_text(&why, buf, sizeof(buf))), 255 + 1 + 4 + 1 + 511, "and both fit together");
	return check_done();
}
