#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page's files into a folder: bundle.sh FOLDER.  One script where esbuild can be had, else the modules as they are.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=$1
rm -rf "$to" && mkdir -p "$to"
cp "$here"/*.html "$here"/*.css "$here"/*.js "$here"/*.svg "$to"/
