/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's maps say of an address, found as a program finds it: the hash, else the longest prefix.
 *
 *	word = datapath_word(dp, &addr);	WEIR_WORD; 0: nobody said anything
 */
#ifndef WEIR_AGENT_DATAPATH_WORD_H
#define WEIR_AGENT_DATAPATH_WORD_H

#include "agent/datapath.h"

__u64 datapath_word(const struct datapath *dp, const struct weir_addr *a);

#endif
