# SPDX-License-Identifier: Apache-2.0
# Sourced: playwright-core of just the version locked here, under the build directory; or the test is skipped, by name.
build=${B:-build}
tools=$build/ui-test-tools
skip() {
	echo "skipped: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
command -v chromium >/dev/null 2>&1 || skip "needs chromium"
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || skip "needs node and npm"
mkdir -p "$tools" "$build/ui-shots"
(
	flock 9
	if ! [ -d "$tools/node_modules/playwright-core" ] || ! cmp -s tests/ui/package-lock.json "$tools/package-lock.json"; then
		cp tests/ui/package.json tests/ui/package-lock.json "$tools"/
		(cd "$tools" && timeout 60 npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --fetch-retries=0 >npm.log 2>&1) ||
			rm -rf "$tools/package-lock.json" "$tools/node_modules"
	fi
) 9>"$tools/lock"
[ -d "$tools/node_modules/playwright-core" ] || skip "needs playwright-core, and npm cannot get it"
export WEIR_UI_TOOLS="$(cd "$tools" && pwd)/" WEIR_UI_SHOTS="$build/ui-shots"
