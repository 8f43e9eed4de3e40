// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "relay/question.h"
#include "relay/when.h"

#define WORDS_MOST 256

/* Words as a shell would split them, quotes and backslashes honoured.  Returns how many, -EINVAL for an open quote. */
static int split(char *text, char **word, int most)
{
	char *to = text, quote = 0;
	int n = 0;

	for (;;) {
		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			return n;
		if (n == most)
			return -E2BIG;
		word[n++] = to;
		for (; *text && (quote || (*text != ' ' && *text != '\t')); text++) {
			if (quote ? *text == quote : *text == '\'' || *text == '"')
				quote = quote ? 0 : *text;
			else if (*text == '\\' && quote != '\'' && text[1])
				*to++ = *++text;
			else
				*to++ = *text;
		}
		if (quote)
			return -EINVAL;
		text += !!*text;
		*to++ = '\0';
	}
}

/* The words into the options' table. */
static int take(int n, char **word, enum question_of of, struct complaint *why)
{
	static const struct opt options[] = { OPT_TABLE(select_options), OPT_END };
	int err = opt_parse(options, n, word, why);
	char shown[64];

	if (err >= 0 && err < n) {
		complaint_set(why, 0, 0, "'%s' is no option: filters begin with a dash (-n shop, --to-port 443, --denied)",
			      complaint_show(word[err], shown, sizeof(shown)));
		return -EINVAL;
	}
	return err < 0 ? err : of == QUESTION_EDGES ? select_check_edges(why) : 0;
}

int question_read(char *text, enum question_of of, struct select **out, struct complaint *why)
{
	char *word[WORDS_MOST + 1] = { NULL }, **first = word;
	int n = split(text, word, WORDS_MOST), err;
	struct select *s = NULL;

	if (n < 0) {
		complaint_set(why, 0, 0, n == -E2BIG ? "too many words" : "a quote is open");
		return n;
	}
	if (n && !strcmp(*first, "weir"))	/* a whole command, pasted */
		first++, n--;
	if (n && !strcmp(*first, "observe"))
		first++, n--;
	first[n] = NULL;
	err = take(n, first, of, why);
	if (err < 0) {
		struct complaint other;

		if (!select_done(&s, when_real(), &other))	/* forget what was read */
			select_free(s);
		return err;
	}
	err = select_done(&s, when_real(), why);
	if (!err && (s->input || s->ends)) {
		complaint_set(why, 0, 0, "that option is the command line's: --input-file, --print-raw-filters, --explain-filter");
		select_free(s);
		return -EINVAL;
	}
	if (!err)
		*out = s;
	return err;
}
