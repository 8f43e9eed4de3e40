#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which flows count as live, and what is told of one whose end nobody saw.
B=${B:-build}
exec "$B/tests/stream/live" "$B/tests/stream/soak.bpf.o"
