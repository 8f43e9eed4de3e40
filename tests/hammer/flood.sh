#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 100,000 established flows under a flood of half-open ones, and a full table.
B=${B:-build}
exec "$B/tests/hammer/flood" "$B/tests/hammer/flood.bpf.o" "$@"
