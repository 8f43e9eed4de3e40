/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of endpoints: which pod has which number, in DIR/endpoints, for the next agent.
 *
 *	book_open(&b, "/var/lib/weir");		reads what the last one wrote
 *	book_set(b, 17, "shop", "web");
 *	book_write(b);				whole, by rename; nothing if nothing changed
 */
#ifndef WEIR_AGENT_BOOK_H
#define WEIR_AGENT_BOOK_H

#include <stdbool.h>

struct book;

int book_open(struct book **out, const char *dir);	/* NULL: kept in memory only */
void book_close(struct book *b);			/* NULL is fine */

void book_set(struct book *b, unsigned int number, const char *ns, const char *name);
void book_clear(struct book *b, unsigned int number);
bool book_get(const struct book *b, unsigned int number, const char **ns, const char **name);
int book_write(struct book *b);

#endif
