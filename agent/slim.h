/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the start needed is given back: malloc's holes, and the pages of the program that were read once (constructors, the
 * kernel object within, options).  They come again from the page cache if anybody calls there.
 *
 *	slim_heap();		now and then, when it is quiet
 *	slim_program();		once
 */
#ifndef WEIR_AGENT_SLIM_H
#define WEIR_AGENT_SLIM_H

void slim_heap(void);
void slim_program(void);

#endif
