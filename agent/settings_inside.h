/* SPDX-License-Identifier: Apache-2.0 */
/* What settings are made of, each part in a file of its own.  -EINVAL with the complaint. */
#ifndef WEIR_AGENT_SETTINGS_INSIDE_H
#define WEIR_AGENT_SETTINGS_INSIDE_H

#include "agent/settings.h"

int settings_api(struct settings *s, struct complaint *why);	/* where gRPC listens */
int settings_metrics(struct settings *s, struct complaint *why);	/* metrics, and where they go */
int settings_export(struct settings *s, struct complaint *why);	/* what is exported */

bool settings_split(const char *text, char host[64], long *port);	/* "10.0.0.1:4244", "[::1]:4244", "localhost:4244" */
bool settings_loopback(const char *host);

#endif
