# SPDX-License-Identifier: Apache-2.0
"""Both ways against grpc-js: tests/rpc/js.py CERTIFICATES MODULES, by tests/rpc/peers.sh."""
import os, re, subprocess, sys

sys.path.insert(0, os.path.dirname(__file__))
import check as c
from check import B, Server, check, children, done, equal

DIR, HERE = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
os.environ["NODE_PATH"] = sys.argv[2]


def client(at, *files):
    """Our server, their client."""
    out = subprocess.run(["node", HERE + "/js_client.js", at, *files], capture_output=True, text=True, timeout=300)
    said = re.search(r"(\d+) passed, (\d+) failed", out.stdout)
    print("\n".join(line for line in out.stdout.split("\n") if line.startswith("failed")), end="")
    if said:
        c.passed += int(said[1])
        c.failed += int(said[2])
    else:
        check(False, f"grpc-js as client of {at}: {out.stdout} {out.stderr[-500:]}")


def ask(at, path, text, *options):
    out = subprocess.run([B + "/tests/rpc/ask", at, "/test.Echo/" + path, text, *options], capture_output=True,
                         text=True, timeout=300).stdout
    return out.strip().split("\n")


def server(*files):
    """Their server, our client."""
    p = subprocess.Popen(["node", HERE + "/js_server.js", *files], stdout=subprocess.PIPE, text=True)
    children.append(p)
    at = "127.0.0.1:" + p.stdout.readline().split()[1]
    tls = ["--tls", files[0], DIR + "/client.crt", DIR + "/client.key"] if files else []
    equal(ask(at, "Unary", "hello", *tls), ["began javascript", "message hello", "messages 1", "end OK reached"], "unary")
    equal(ask(at, "Unary", "from", *tls)[1], "message weir", "our header")
    equal(ask(at, "Unary", "code 5 not there", *tls)[-1], "end NOT_FOUND reached not there", "status")
    equal(ask(at, "Unary", "code 14 later", *tls)[-1], "end UNAVAILABLE reached later", "unavailable, by its own words")
    equal(ask(at, "None", "", *tls)[-1].split()[:3], ["end", "UNIMPLEMENTED", "reached"], "an unknown method")
    equal(ask(at, "Unary", "hang", "--deadline", "100", *tls)[-1].split()[1], "DEADLINE_EXCEEDED", "deadline")
    equal(ask(at, "Stream", "20000 200", *tls)[-2:], ["messages 20000", "end OK reached"], "a stream")
    equal(ask(at, "Stream", "5000 2000", "--pause", "100", *tls)[-2:], ["messages 5000", "end OK reached"], "a pause")
    equal(ask(at, "Stream", "1000000 100", "--cancel", "10", *tls)[-1].split()[1], "CANCELLED", "cancel")
    if files:
        got = ask(at, "Unary", "x", "--tls", files[0], DIR + "/stranger.crt", DIR + "/stranger.key")[-1]
        check("does not take our certificate" in got, f"a certificate it does not know: {got}")
        got = ask(at, "Unary", "x", *tls, "--name", "relay.test")[-1]
        check("is for 'localhost, server.test, 127.0.0.1', not for 'relay.test'" in got, f"another name: {got}")
    p.kill()
    p.wait()


def main():
    files = [DIR + "/ca.crt", DIR + "/server.crt", DIR + "/server.key"]
    s = Server("--listen", "127.0.0.1:0", "--unix", DIR + "/js.sock", "--tls", *files, "--listen", "127.0.0.1:0")
    client(s.at)
    client("unix:" + DIR + "/js.sock")
    client(f"localhost:{s.ports[1]}", DIR + "/ca.crt", DIR + "/client.crt", DIR + "/client.key")
    s.stop()
    server()
    server(*files)


try:
    main()
finally:
    done()
