#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page's files as C: embed.py OUT DIRECTORY.  index.html is "/", every other file its name; what shrinks is there compressed, too."""
import gzip, hashlib, os, sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json"}


def array(name, data):
    rows = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    return "static const uint8_t %s[] = {\n\t%s\n};\n" % (name, ",\n\t".join(rows) or "0")


def main():
    out, folder = sys.argv[1:]
    parts = ['/* written by relay/ui/embed.py */\n#include "relay/page_files.h"\n\n']
    table = []
    for n, file in enumerate(sorted(os.listdir(folder))):
        kind = TYPES.get(os.path.splitext(file)[1])
        if not kind:
            continue
        data = open(os.path.join(folder, file), "rb").read()
        small = gzip.compress(data, 9, mtime=0)
        squeezed = len(small) < len(data) * 9 // 10
        parts.append(array("file%d" % n, data))
        if squeezed:
            parts.append(array("file%d_gzip" % n, small))
        table.append('\t{ "%s", "%s", "\\"%s\\"", file%d, %s, %d, %d },\n' % (
            "/" if file == "index.html" else "/" + file, kind, hashlib.sha256(data).hexdigest()[:16], n,
            "file%d_gzip" % n if squeezed else "0", len(data), len(small) if squeezed else 0))
    parts.append("const struct page_file page_files[] = {\n%s};\nconst unsigned int page_files_count = %d;\n" % ("".join(table), len(table)))
    open(out, "w").write("".join(parts))


main()
