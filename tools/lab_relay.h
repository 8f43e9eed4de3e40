/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab's relay: one stream and one set of sums for all of its nodes.  It listens on LAB_DIR/NAME/relay.sock, and where
 * they are free on the ports that people expect, 4245 and for metrics 9966, on loopback.
 *
 *	lab_relay_start(net, &why);		-ENOENT: there is no weir-relay to be run; a lab is good without
 *	if (lab_relay_at(lab, url))		its page, "http://127.0.0.1:8092/", as its log says; false: it has none
 */
#ifndef WEIR_TOOLS_LAB_RELAY_H
#define WEIR_TOOLS_LAB_RELAY_H

#include "tools/lab_net.h"

#define LAB_RELAY_URL 64

int lab_relay_start(struct lab_net *n, struct complaint *why);
bool lab_relay_at(const struct lab *lab, char url[LAB_RELAY_URL]);	/* its page */

#endif
