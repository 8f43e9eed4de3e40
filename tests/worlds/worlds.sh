#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random worlds: half a minute for the engine alone, half with the real programs.  The same worlds each time, so that what passed does
# not fail by the clock; `make worlds` makes others, and so does WORLDS_SEED.
seed=${WORLDS_SEED:-1}
"${B:-build}/tests/worlds/worlds" --seed "$seed" --seconds "${WORLDS_SECONDS:-30}" || exit 1
exec "${B:-build}/tests/worlds/worlds" --seed "$seed" --kernel --no-controls --questions 1000 --seconds "${WORLDS_SECONDS:-30}"
