/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person may have meant: the word of a list that is closest to theirs.
 *
 *	meant = word_closest("podselector", words, n);	"podSelector"; NULL if none is close
 *
 * Close is: equal but for case, or at most one slip (a letter too many, missing, wrong, or two swapped) in
 * three letters, never more than three.  Where none is close, the shortest that begins so, of four letters or more.  And lists of
 * words, taken apart.
 */
#ifndef WEIR_LIB_WORD_H
#define WEIR_LIB_WORD_H

#include <stdbool.h>
#include <stddef.h>

const char *word_closest(const char *word, const char *const *list, unsigned int n);
unsigned int word_slips(const char *a, const char *b);	/* between them; letters of either case are equal */
bool word_near(const char *a, const char *b);

/* "a, b" in place as two words, empty ones left out.  Returns how many, at most 'most'. */
size_t word_split(char *list, char **to, size_t most);

#endif
