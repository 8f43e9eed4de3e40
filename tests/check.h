/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test's few words.
 *
 *	CHECK(n == 3, "three came out");		counts, and speaks only of what failed
 *	CHECK_EQ(got, want, "row '%s'", row->text);
 *	CHECK_TEXT(got, want, "the message");
 *	check_skip("needs SCTP");
 *	return check_done();				"N passed, N failed[, N skipped]", and the exit code
 *
 * A test of several files has one count: what any of them checks is in it.
 */
#ifndef WEIR_TESTS_CHECK_H
#define WEIR_TESTS_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((weak)) unsigned long check_passed, check_failed, check_skipped;

#define CHECK(cond, ...) ((cond) ? (void)check_passed++ : check_fail(__FILE__, __LINE__, #cond, __VA_ARGS__))
#define CHECK_EQ(got, want, ...) do {							\
	long long check_g = (long long)(got), check_w = (long long)(want);		\
	char check_b[160];								\
	snprintf(check_b, sizeof(check_b), "%s is %lld, not %lld", #got, check_g, check_w);	\
	check_g == check_w ? (void)check_passed++ : check_fail(__FILE__, __LINE__, check_b, __VA_ARGS__); \
} while (0)
#define CHECK_TEXT(got, want, ...) do {							\
	const char *check_g = (got), *check_w = (want);					\
	char check_b[2048];								\
	snprintf(check_b, sizeof(check_b), "\"%s\" is not \"%s\"", check_g ? check_g : "(null)", check_w); \
	check_g && !strcmp(check_g, check_w) ? (void)check_passed++ : check_fail(__FILE__, __LINE__, check_b, __VA_ARGS__); \
} while (0)

__attribute__((format(printf, 4, 5), unused))
static void check_fail(const char *file, int line, const char *what, const char *format, ...)
{
	va_list args;

	if (check_failed++ > 50)
		return;
	printf("%s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", what);
	fflush(stdout);
}

__attribute__((unused)) static void check_skip(const char *why)
{
	check_skipped++;
	printf("skipped: %s\n", why);
}

__attribute__((unused)) static int check_done(void)
{
	printf("%lu passed, %lu failed", check_passed, check_failed);
	if (check_skipped)
		printf(", %lu skipped", check_skipped);
	printf("\n");
	return check_failed || !check_passed;
}

#endif
