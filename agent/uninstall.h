/* SPDX-License-Identifier: Apache-2.0 */
/* Uninstall: removes exactly what agents on this node made: hooks, qdiscs of theirs, pins; with 'purge' their files. */
#ifndef WEIR_AGENT_UNINSTALL_H
#define WEIR_AGENT_UNINSTALL_H

#include "agent/settings.h"

int uninstall(const struct settings *s);	/* speaks of what went wrong */

#endif
