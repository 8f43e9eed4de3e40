#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flows and denials through the real rings, to readers fast, slow and killed: offered = delivered + counted.
B=${B:-build}
exec "$B/tests/stream/soak" "$B/tests/stream/soak.bpf.o" "$@"
