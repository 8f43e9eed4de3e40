# SPDX-License-Identifier: Apache-2.0
"""The page's HTTP before those who mean harm, or are only slow: the relay refuses with a sentence, stays as small as it
was, and answers the next one.  Flows come at 1,500 a second from false agents."""
import http.client
import json
import os
import shutil
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
from page_rig import *  # noqa: E402,F403
from page_rig import B, DIR, Page, t  # noqa: E402

RATE, STREAMS = 500, 32
PAGE_KIB, FIRST_KIB = 64, 2048		# what one more page may cost, read or not; and the first


def answers(p):
    for path, members in (("status", ["cluster"]), ("policies", ["policies"]), ("map", ["live", "level", "marks", "edges", "folded"]),
                          ("strip?minutes=5", ["step", "from", "flows", "denied", "would", "lost", "known", "marks", "kept"])):
        status, body, r = p.ask(f"/api/v1/{path}")
        data = json.loads(body)
        t.check(f"/api/v1/{path}: as docs/api.md says", status == 200 and set(members + ["complete"]) <= set(data), body[:300])
        t.check("how whole it is", set(data["complete"]) >= {"nodes", "answering", "lost"}, data["complete"])
    status, body, r = p.ask("/api/v1/map?from=1&to=2")
    t.equal("a map of a time long gone: as it was when it comes again", p.ask("/api/v1/map?from=1&to=2", If_None_Match=r.headers["ETag"])[0], 304)
    status, body, r = p.ask("/")
    csp = r.headers["Content-Security-Policy"]
    t.check("the page runs nothing but its own", "default-src 'none'" in csp and "unsafe" not in csp, csp)
    status, body, r = p.ask("/api/v1/flows?q=--last+20")
    events = [e.split(b"\n")[0] for e in body.split(b"\n\n") if e]
    t.check("flows end when they are asked so", events.count(b"event: flow") == 20 and events[-1] == b"event: end", events[-3:])


def words(p, q):
    return [w["text"] for w in json.loads(p.ask("/api/v1/complete?" + urllib.parse.urlencode({"q": q}))[1])["words"]]


def boxes(p):
    """What is typed is completed by what the relay knows; the map is narrowed before it is folded."""
    ids = lambda q: [m["id"] for m in json.loads(p.ask("/api/v1/map?" + urllib.parse.urlencode(q))[1])["marks"]]  # noqa: E731
    t.check("edges are there", t.until(lambda: len(ids({})) > 2), ids({}))
    for q, fits in (("--den", ["--denied", "--denylist"]), ("-n ", ["shop"]), ("--namespace=s", ["--namespace=shop"]), ("--verdict d", ["DROPPED"]),
                    ("--node-name ", [f"n{i}" for i in range(AGENTS)]), ("--pod shop/cart", ["shop/cart"]), ("--to-port 80", ["8080"]),
                    ("--workload nobody", []), ("--http-path /", [])):
        t.equal(f"completed: {q}", words(p, q), fits)
    many = json.loads(p.ask("/api/v1/complete?q=--workload+w-")[1])
    t.check("20 at most, sorted, and that there are more", len(many["words"]) == 20 and many["more"], many)
    t.check("one that is folded away is found", "shop/w-node-2-150" not in ids({"limit": 10}) and
            sorted(ids({"limit": 10, "q": "--workload w-node-2-150"})) == ["shop/cart", "shop/w-node-2-150"], ids({"limit": 10}))
    t.equal("nothing fits", (ids({"q": "-n nobody"}), ids({"q": "--denied"})), ([], []))
    t.check("all but one", 0 < len(ids({"q": "--not --workload w-node-2-150"})) <= 200)
    for q, word in (("--http-path /a", "'--http-path' is about single flows"), ("--first 3", "'--first'"), ("-n a/b", "name of a namespace"), ("x", "no option"), ("'", "quote")):
        status, body, _ = p.ask("/api/v1/map?" + urllib.parse.urlencode({"q": q}))
        t.check(f"a map of {q}: refused in a sentence", status == 400 and word in json.loads(body)["error"], (status, body[:200]))


def bad_questions(p):
    for path, word in (("flows?q=--nonsense", "--nonsense"), ("flows?q='", ""), ("flows?q=" + "x" * 1500, ""), ("flows?q=--to-port+99999", ""),
                       ("flows?q=--input-file+/etc/passwd", "command line"), ("flows?q=--help", ""), ("flows?q=-o+json", ""), ("map?from=x", "numbers"), ("map?from=9&to=1", "window"),
                       ("why?from=a", "needed"), ("why?from=a&to=b&port=99999", "65535"), ("nothing", "no such")):
        status, body, _ = p.ask(f"/api/v1/{path}")
        t.check(f"{path[:40]}: refused in a sentence", status in (400, 404) and word in json.loads(body)["error"], (status, body[:200]))
    for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc/passwd", "//etc", "/app.js/", "/%00", "/./", "/api/v1/%2e%2e/map"):
        said = p.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        t.check(f"{path}: nothing there", said.split(b" ")[1:2] and said.split(b" ")[1] in (b"400", b"404") and b"root:" not in said, said[:80])
    p.lives("bad questions")


def strangers(p):
    t.equal("another site's page may not ask", p.ask("/api/v1/map", Origin="http://evil.example")[0], 403)
    t.equal("nor of its own port", p.ask("/api/v1/map", Origin="http://127.0.0.1:1")[0], 403)
    t.equal("nor when the browser says so", p.ask("/api/v1/flows", Sec_Fetch_Site="cross-site")[0], 403)
    t.equal("its own may", p.ask("/api/v1/map", Origin=f"http://127.0.0.1:{p.port}")[0], 200)
    t.check("a name that leads here may not (DNS rebinding)", p.ask("/", Host="evil.example")[0] in (400, 403, 421), p.ask("/", Host="evil.example")[:2])
    t.check("nor for the API", p.ask("/api/v1/map", Host="evil.example:80")[0] in (400, 403, 421))
    for what, data in (("a header of 100 kB", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100000 + b"\r\n\r\n"),
                       ("500 headers", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
                       ("a target of 20 kB", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                       ("no HTTP", bytes(range(256)) * 20), ("a body", b"POST /api/v1/map HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789"),
                       ("two lengths", b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")):
        said = p.raw(data)
        t.check(f"{what}: refused", not said or said.split(b" ")[1][:1] in (b"4", b"5"), said[:80])
    p.lives("strangers")


def crowds(p):
    before = p.relay.rss()
    many = []
    for _ in range(1000):
        s = socket.socket()
        s.settimeout(30)
        try:
            s.connect(("127.0.0.1", p.port))
            s.sendall(b"GET / HT")
            many.append(s)
        except OSError:
            s.close()
    grown = p.relay.rss() - before
    for s in many:
        s.close()
    if "san" not in B:
        t.check("1,000 connections cost little", grown < 8192, f"{grown} KiB")
    p.lives("a crowd")


def streams(p):
    """Nobody reads, flows come by the thousand: what is kept of each page is bounded."""
    p.ask("/api/v1/flows?q=--last+2000")
    before = p.relay.rss()
    readers = [p.open("/api/v1/flows?q=--last+300+-f", 4096) for _ in range(STREAMS)]
    heads = [s.recv(12) for s in readers]
    t.check("32 streams", all(h == b"HTTP/1.1 200" for h in heads), heads)
    status, body, _ = p.ask("/api/v1/flows?q=-f")
    t.check("and no more", status == 503 and b"already" in body, (status, body[:100]))
    time.sleep(2)
    first = p.relay.rss()
    time.sleep(1)
    last = p.relay.rss()
    print(f"relay: {before} KiB, {last - before} more for {STREAMS} pages that read nothing (after 2 s {first - before})")
    if "san" not in B:
        t.check("each costs no more than it may", last - before <= FIRST_KIB + STREAMS * PAGE_KIB, f"{last - before} KiB")
    gauges = {}

    def few():
        gauges.update({g.name: g.used for g in p.relay.api.ClusterStatus().gauges})
        return gauges["queued bytes"] < 1 << 20 and gauges["streams"] == 1

    t.check("no flows wait in the relay", t.until(few), gauges)
    readers[0].settimeout(30)
    said = b""
    try:
        while b"event: lost" not in said and len(said) < 64 << 20:
            said += readers[0].recv(1 << 20)
    except OSError:
        pass
    t.check("who reads again is told what was lost", b"event: lost" in said, said[-200:])
    p.lives("streams nobody reads")
    for s in readers:
        s.close()
    t.check("their places are free again", t.until(lambda: p.ask("/api/v1/flows?q=--last+1")[0] == 200))


def ends(p):
    readers = [p.open("/api/v1/flows?q=-f") for _ in range(8)]
    for s in readers:
        s.recv(100)
    began = time.monotonic()
    t.equal("it ends well, with pages open", p.relay.stop(), 0)
    t.check("and soon", time.monotonic() - began < 20, time.monotonic() - began)
    for s in readers:
        s.close()


try:
    page = Page(RATE)
    try:
        for part in (answers, boxes, bad_questions, strangers, crowds, streams, ends):
            part(page)
    finally:
        page.end()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
sys.exit(t.done())
