#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random worlds: half a minute for the engine alone, half with the real programs.
"${B:-build}/tests/worlds/worlds" --seconds "${WORLDS_SECONDS:-30}" || exit 1
exec "${B:-build}/tests/worlds/worlds" --kernel --no-controls --questions 1000 --seconds "${WORLDS_SECONDS:-30}"
