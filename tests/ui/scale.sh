#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page with the most a relay sends, of a large cluster, in a browser: tests/ui/scale.mjs.
. tests/ui/with/tools.sh
node tests/ui/scale.mjs "$build/ui"
