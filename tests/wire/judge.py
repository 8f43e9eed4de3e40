# SPDX-License-Identifier: Apache-2.0
# What tests/wire/emit wrote, read by Python's protobuf: it writes the same bytes, and its JSON says the same.
#	judge.py CLASSES FILE
import json
import struct
import sys

sys.path.insert(0, sys.argv[1])
from google.protobuf import json_format  # noqa: E402
from observer import observer_pb2  # noqa: E402
from weir.v1 import flow_pb2  # noqa: E402,F401 - an Any of it is known by this

passed = failed = 0


def check(good, *what):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    if failed < 10:
        print(*what)


def responses(path):
    with open(path, "rb") as f:
        while True:
            head = f.read(4)
            if not head:
                return
            yield f.read(struct.unpack(">I", head)[0])


def differs(a, b, at=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if a.get(key, Ellipsis) != b.get(key, Ellipsis):
                return differs(a.get(key, Ellipsis), b.get(key, Ellipsis), at + "." + key)
    return f"{at}: {a!r} is not {b!r}"


path = sys.argv[2]
with open(path + ".jsonl", "rb") as lines, open(path + ".any.jsonl", "rb") as anys:
    for i, ours in enumerate(responses(path + ".pb")):
        m = observer_pb2.GetFlowsResponse()
        m.ParseFromString(ours)
        check(m.SerializeToString(deterministic=True) == ours, "bytes of response", i)
        want = json_format.MessageToDict(m, preserving_proto_field_name=True)
        for name, file in ("line", lines), ("any", anys):
            got = json.loads(file.readline().decode("utf-8"))
            check(got == want, name, i, differs(got, want))
    check(not lines.read() and not anys.read(), "as many lines as responses")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
