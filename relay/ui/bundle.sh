#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page's files into a folder: bundle.sh FOLDER [TOOLS].  One small script and one sheet where esbuild can be had (kept in
# TOOLS between builds), else the modules as they are: the page is the same, in more requests.  WEIR_OFFLINE=1: never asks npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=$1
tools=${2:-$to-tools}
most=307200

# esbuild, of just the version that the lock file names; a failed try is not repeated for an hour.
fetch() {
	[ -z "${WEIR_OFFLINE:-}" ] && command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 || return 1
	mkdir -p "$tools"
	if [ -x "$tools/node_modules/.bin/esbuild" ] && cmp -s "$here/package-lock.json" "$tools/package-lock.json"; then
		return 0
	fi
	[ -z "$(find "$tools/failed" -mmin -60 2>/dev/null)" ] || return 1
	cp "$here/package.json" "$here/package-lock.json" "$tools"/
	if (cd "$tools" && timeout 60 npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --fetch-retries=0 >npm.log 2>&1); then
		rm -f "$tools/failed"
		return 0
	fi
	rm -rf "$tools/package-lock.json" && : >"$tools/failed"
	return 1
}

bundle() {
	"$tools/node_modules/.bin/esbuild" "$here/app.js" "$here/app.css" "$here/signin.css" --bundle --minify --format=esm --target=es2022 --charset=utf8 \
		--outdir="$to" --log-level=warning
}

rm -rf "$to" && mkdir -p "$to"
if fetch && bundle; then
	how="bundled"
else
	cp "$here"/*.css "$here"/*.js "$to"/
	how="as modules: no esbuild"
fi
cp "$here"/*.html "$here"/*.svg "$to"/
size=$(for f in "$to"/*; do gzip -9 -c "$f" | wc -c; done | awk '{ n += $1 } END { print n }')
echo "the page: $how, $size bytes compressed"
[ "$size" -le "$most" ] || { echo "the page is larger than $most bytes compressed" >&2; exit 1; }
