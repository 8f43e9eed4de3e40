#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The object's other forms: compiled for arm64's memory order it must pass the verifier, too.
set -u
B=${B:-build}
passed=0 failed=0
dir=$(mktemp -d) || exit 1
trap 'umount "$dir/fs" 2>/dev/null; rm -rf "$dir"' EXIT INT TERM
mkdir "$dir/fs" && mount -t bpf bpf "$dir/fs" || { echo "0 passed, 1 failed"; exit 1; }
clang=${CLANG:-$(command -v clang-19 || command -v clang-18 || command -v clang-16 || command -v clang)}
for arch in x86 arm64; do
	if "$clang" -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -I. \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" "-D__TARGET_ARCH_$arch" -c bpf/weir.bpf.c -o "$dir/$arch.o" &&
		PATH=$PATH:/usr/sbin bpftool prog loadall "$dir/$arch.o" "$dir/fs/$arch" >"$dir/log" 2>&1; then
		passed=$((passed + 1))
	else
		echo "the form for $arch does not load:"
		tail -n 8 "$dir/log" 2>/dev/null
		failed=$((failed + 1))
	fi
	rm -rf "$dir/fs/$arch"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
