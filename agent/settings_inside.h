/* SPDX-License-Identifier: Apache-2.0 */
/* What settings are made of, each part in a file of its own.  -EINVAL with the complaint. */
#ifndef WEIR_AGENT_SETTINGS_INSIDE_H
#define WEIR_AGENT_SETTINGS_INSIDE_H

#include "agent/settings.h"

int settings_api(struct settings *s, struct complaint *why);	/* where gRPC listens */
int settings_export(struct settings *s, struct complaint *why);	/* what is exported */

#endif
