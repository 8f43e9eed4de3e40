# SPDX-License-Identifier: Apache-2.0
"""Who may see the page, over TLS: refused starts, tokens, cookies, certificates, what is replaced while it runs, and those
who come without any of it, or slowly, or in numbers."""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
from agents import *  # noqa: E402,F403
from agents import B, DIR, t  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CERTS, TOKEN, OTHER = f"{DIR}/certs", "t0k3n-of-the-first-kind", "t0k3n-of-the-second-kind"
PATHS = ("status", "policies", "why?from=a/b&to=c/d", "map", "strip", "flows?q=--last+1", "complete?q=-", "session", "nothing")


def write(name, text, mode=0o600):
    """As an editor does: another file under the same name."""
    with open(f"{DIR}/{name}.new", "w") as f:
        f.write(text)
    os.chmod(f"{DIR}/{name}.new", mode)
    os.rename(f"{DIR}/{name}.new", f"{DIR}/{name}")
    return f"{DIR}/{name}"


def put(name, to):
    """A certificate, key or authority where the relay looks for it."""
    shutil.copy(f"{CERTS}/{name}", f"{DIR}/{to}.new")
    os.rename(f"{DIR}/{to}.new", f"{DIR}/{to}")


def context(client=None, ca="ca", newest=None):
    c = ssl.create_default_context(cafile=f"{CERTS}/{ca}.crt")
    if client:
        c.load_cert_chain(f"{CERTS}/{client}.crt", f"{CERTS}/{client}.key")
    if newest:
        c.maximum_version = newest
    return c


class Nobody:
    name = "nobody"

    def address(self):
        return f"unix:{DIR}/nobody.sock"


class Page:
    def __init__(self, agents, *more):
        with open(f"{DIR}/relay.log", "w"):
            pass
        self.relay = Relay(agents, "--page=127.0.0.1:0", f"--page-cert={DIR}/page.crt", f"--page-key={DIR}/page.key", *more)
        said = t.until(lambda: "the page is at" in self.said() and self.said())
        self.port = int(said.rsplit("the page is at https://127.0.0.1:", 1)[1].split("/")[0])
        self.origin = f"https://127.0.0.1:{self.port}"

    def said(self):
        with open(f"{DIR}/relay.log") as f:
            return f.read()

    def dial(self, tls=None, source="127.0.0.1"):
        c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=tls or context(), source_address=(source, 0))
        c.connect()
        return c

    def ask(self, path, token=None, cookie=None, tls=None, source="127.0.0.1", post=None, connection=None, **fields):
        """Status, body, headers."""
        c = connection or self.dial(tls, source)
        sent = {k.replace("_", "-"): v for k, v in fields.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if cookie:
            sent["Cookie"] = cookie
        try:
            c.request("POST" if post is not None else "GET", path, post, sent)
            r = c.getresponse()
            return r.status, r.read(), r.headers
        finally:
            if not connection:
                c.close()

    def status(self, *a, **k):
        return self.ask("/api/v1/session", *a, **k)[0]

    def sign_in(self, token=TOKEN, origin=None, **more):
        status, body, headers = self.ask("/sign-in", post=f"username=weir&token={token}", Origin=origin or self.origin, **more)
        return status, headers.get("Set-Cookie", ""), body

    def stream(self, **fields):
        c = self.dial()
        c.request("GET", "/api/v1/flows?q=-f+--last+5", headers=fields)
        r = c.getresponse()
        return c, r

    def raw(self, data=b"", seconds=3, source="127.0.0.1"):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=seconds, source_address=(source, 0))
        s.sendall(data)
        return s

    def end(self):
        t.equal("it ends well", self.relay.stop(), 0)


def cut(connection):
    """The other side has hung up."""
    try:
        return connection.sock.recv(65536) == b""
    except (TimeoutError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def fails(page, **how):
    """In the handshake, or as the first thing after it: TLS 1.3 judges a client's certificate when that one is through."""
    try:
        return page.status(**how)
    except OSError as e:
        return isinstance(e, OSError) and 0


def starts():
    tls = [f"--page-cert={CERTS}/server.crt", f"--page-key={CERTS}/server.key"]
    good, seen = write("token", f"# the first\n{TOKEN}\n\n"), write("seen", TOKEN + "\n", 0o644)
    rows = (
        (["--page=0.0.0.0:8092"], "no loopback address: give '--page-cert'"), (["--page=:8092"], "no loopback address"),
        (["--page=[::]:8092"], "no loopback address"), (["--page=10.0.0.1:1", f"--page-token-file={good}"], "give '--page-cert'"),
        (["--page=127.0.0.1.evil.example:1"], "no loopback address"), (["--page=0.0.0.0:1", *tls], "say who may see it"),
        (["--page=127.0.0.1:1", tls[0]], "'--page-key' is missing"), (["--page=127.0.0.1:1", f"--page-client-ca={CERTS}/ca.crt"], "is for TLS"),
        (tls, "'--page' says where"), (["--page=127.0.0.1:1", f"--page-token-file={seen}"], "chmod o="),
        (["--page=127.0.0.1:1", f"--page-token-file={DIR}/nothing"], "No such file"),
        (["--page=127.0.0.1:1", "--page-token-file=" + write("short", "secret\n")], "short:1: the token is shorter than 16"),
        (["--page=127.0.0.1:1", "--page-token-file=" + write("none", "# none\n")], "there is no token"),
        (["--page=0.0.0.0:1", tls[0], f"--page-key={CERTS}/client.key", f"--page-token-file={good}"], "is not that of the certificate"),
        (["--page=0.0.0.0:1", *tls, f"--page-client-ca={CERTS}/ca.key"], "no certificate of an authority"),
        (["--page=127.0.0.1:1", "--page-session=0s"], "--page-session"),
    )
    for words, says in rows:
        r = subprocess.run([f"{B}/weir-relay", "--peer=a=unix:/x", "--check-config", *words], capture_output=True, text=True)
        t.check(f"refused: {' '.join(words)[:60]}", r.returncode == 2 and says in r.stderr and r.stderr.count("\n") == 1, r.stderr)
    for words in (["--page=127.0.0.1:1"], ["--page=[::1]:1"], ["--page=127.0.0.1:1", f"--page-token-file={good}"],
                  ["--page=0.0.0.0:1", *tls, f"--page-token-file={good}"], ["--page=:1", *tls, f"--page-client-ca={CERTS}/ca.crt"]):
        r = subprocess.run([f"{B}/weir-relay", "--peer=a=unix:/x", "--check-config", *words], capture_output=True, text=True)
        t.check(f"taken: {' '.join(words)[:60]}", r.returncode == 0 and not r.stderr, r.stderr)


def outsiders(p):
    """Whoever shows nothing sees nothing."""
    with p.raw(b"GET /api/v1/map HTTP/1.1\r\nHost: localhost\r\n\r\n") as s:
        said = s.recv(4096)
    t.check("plain HTTP is told to use TLS", said.startswith(b"HTTP/1.1 400 ") and b"https://" in said, said)
    t.equal("TLS 1.2 is not spoken", fails(p, tls=context(newest=ssl.TLSVersion.TLSv1_2)), 0)
    for path in PATHS:
        status, body, headers = p.ask(f"/api/v1/{path}")
        t.check(f"{path}: 401 and nothing else", status == 401 and list(json.loads(body)) == ["error"] and
                headers["WWW-Authenticate"].startswith("Bearer"), (status, body))
    for path, status in (("/", 200), ("/app.js", 200), ("/sign-in", 200), ("/metrics", 404), ("/api", 404)):
        t.equal(f"{path} shows no data", p.ask(path)[0], status)
    csp = p.ask("/sign-in")[2]["Content-Security-Policy"]
    t.check("the form runs no script", "default-src 'none'" in csp and "script-src" not in csp and "form-action 'self'" in csp, csp)
    for said in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 600):
        t.equal(f"the token '{said[:30]}'", p.status(said or " ", source="127.0.0.2"), 401)
    t.equal("another scheme", p.status(Authorization=f"Basic {TOKEN}"), 401)
    t.equal("in the address", p.ask(f"/api/v1/map?token={TOKEN}")[0], 401)
    for path in PATHS[:-1]:
        t.check(f"{path}: with the token", p.ask(f"/api/v1/{path}", TOKEN)[0] not in (401, 403, 404, 429), p.ask(f"/api/v1/{path}", TOKEN))


def browsers(p):
    for what, fields in (("none", {}), ("another site's", {"Origin": "https://evil.example"}), ("the same by plain HTTP", {"Origin": p.origin.replace("https", "http")}),
                         ("another port's", {"Origin": "https://127.0.0.1:1"}), ("null", {"Origin": "null"}),
                         ("ours, and the browser says cross-site", {"Origin": p.origin, "Sec_Fetch_Site": "cross-site"})):
        status, body, headers = p.ask("/sign-in", post=f"token={TOKEN}", **fields)
        t.check(f"signing in, Origin {what}: refused", status == 403 and "Set-Cookie" not in headers, (status, body))
        if fields:
            t.equal(f"the API, Origin {what}", p.ask("/api/v1/map", TOKEN, **fields)[0], 403)
            t.equal(f"a stream, Origin {what}", p.ask("/api/v1/flows?q=--last+1", TOKEN, **fields)[0], 403)
    for host, status in (("evil.example", 421), ("server.test", 200), ("localhost", 200), ("page.example:443", 200), ("127.0.0.1", 200)):
        t.equal(f"Host {host}", p.status(TOKEN, Host=host), status)
    status, cookie, body = p.sign_in("wrong-but-long-enough")
    t.check("a wrong token is said to be", status == 401 and not cookie and b"does not hold" in body, (status, body))
    t.equal("nor one in two fields", p.sign_in(f"x&token={TOKEN}")[0], 401)
    status, cookie, _ = p.sign_in()
    flags = [f.strip() for f in cookie.split(";")]
    t.check("the right one gives a cookie", status == 303 and flags[0].startswith(f"__Host-weir-{p.port}="), cookie)
    t.check("for this host alone", set(flags[1:]) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"}, flags)
    word = flags[0]
    t.equal("by which it is let in", json.loads(p.ask("/api/v1/session", cookie=word)[1])["by"], "session")
    t.equal("among others", p.status(cookie=f"a=b; {word}; c=d"), 200)
    for what, wrong in (("cut short", word[:-1]), ("longer", word + "0"), ("another", word[:-1] + ("0" if word[-1] != "0" else "1")),
                        ("under another name", word.replace("weir", "wear")), ("in capitals", word.upper()), ("empty", word.split("=")[0] + "=")):
        t.equal(f"a cookie {what}", p.status(cookie=wrong), 401)
    other = p.sign_in()[1].split(";")[0]
    c, stream = p.stream(Cookie=word)
    t.check("flows come by TLS", t.until(lambda: b"event: flow" in stream.read1(65536)), stream.status)
    t.equal("who leaves", p.ask("/sign-out", cookie=word, post="", Origin=p.origin)[0], 204)
    t.equal("is out", p.status(cookie=word), 401)
    t.check("and so is the stream", t.until(lambda: cut(c)))
    t.equal("others are not", p.status(cookie=other), 200)
    t.equal("there is nothing else to post to", p.ask("/api/v1/map", TOKEN, post="", Origin=p.origin)[0], 405)


def certificates(p):
    t.equal("a certificate opens", json.loads(p.ask("/api/v1/session", tls=context("client"))[1])["by"], "certificate")
    for name, what in (("stranger", "another authority's"), ("late", "one that has run out")):
        t.equal(f"{what} does not", fails(p, tls=context(name)), 0)
    held, bearer = p.dial(context("client")), p.dial()
    t.equal("one that stays open", p.status(connection=held), 200)
    put("other.crt", "clients.crt")
    t.check("other authorities: who came by the old ones is cut", t.until(lambda: cut(held)))
    t.equal("who came by a token is not", p.status(TOKEN, connection=bearer), 200)
    t.check("the new one's clients are let in", t.until(lambda: fails(p, tls=context("stranger")) == 200))
    t.equal("the old one's are not", fails(p, tls=context("client")), 0)
    first = p.dial().sock.getpeercert()["serialNumber"]
    put("server2.crt", "page.crt")
    t.equal("a certificate without its key is not taken", p.dial().sock.getpeercert()["serialNumber"], first)
    put("server2.key", "page.key")
    t.check("with it, it is", t.until(lambda: p.dial().sock.getpeercert()["serialNumber"] != first))
    t.check("and this is told", "the old ones stay" in p.said() and "certificates read anew" in p.said())
    t.equal("connections live on", p.status(TOKEN, connection=bearer), 200)


def tokens(p):
    """What the file says is what holds."""
    cookie = p.sign_in()[1].split(";")[0]
    c, stream = p.stream(Authorization=f"Bearer {TOKEN}")
    t.equal("a stream", stream.status, 200)
    write("token", f"{OTHER}\n{TOKEN}\n")
    t.equal("two tokens hold at once", [p.status(OTHER), p.status(TOKEN), p.status(cookie=cookie)], [200, 200, 200])
    write("token", f"{OTHER}\n")
    t.equal("one is taken away", [p.status(OTHER), p.status(TOKEN, source="127.0.0.3"), p.status(cookie=cookie)], [200, 401, 401])
    t.check("with its streams", t.until(lambda: cut(c)))
    os.chmod(f"{DIR}/token", 0o604)
    t.equal("a file that all may read lets nobody in", p.status(OTHER, source="127.0.0.3"), 401)
    os.unlink(f"{DIR}/token")
    t.equal("nor does none", p.status(OTHER, source="127.0.0.3"), 401)
    t.check("and this is told", "chmod o=" in p.said() and "No such file" in p.said())
    write("token", f"{TOKEN}\n")
    t.equal("until it is there again", [p.status(TOKEN), p.status(cookie=cookie)], [200, 200])


def left(connections):
    """How many are still open."""
    n = 0
    for s in connections:
        s.setblocking(False)
        try:
            n += s.recv(1) != b""
        except BlockingIOError:
            n += 1
        except OSError:
            pass
    return n


def crowds(p):
    """Those who never say a word, or half of one, keep nobody out."""
    before = p.relay.rss()
    hello = bytes.fromhex("1603010200010001fc0303") + b"\0" * 40
    silent = [p.raw(hello[:n % 50]) for n in range(300)]
    t.equal("300 that shake no hands: the next one is answered", p.status(TOKEN), 200)
    t.check("of one address 16 at most are waited for", t.until(lambda: left(silent) <= 16), left(silent))
    if "san" not in B:
        t.check("they cost little", p.relay.rss() - before < 16384, p.relay.rss() - before)
    for s in silent:
        s.close()
    for junk in (b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x80" * 5000, b"\0" * 100, os.urandom(3000), b"SSH-2.0-x\r\n"):
        with p.raw() as s:
            try:
                s.sendall(junk)
                s.recv(100)
            except OSError:
                pass
    c = p.dial(context())
    c.sock.sendall(b"GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n" +
                   b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)	# more than one record, and than there is room for
    said = b""
    while said.count(b"</html>") < 60:
        more = c.sock.recv(1 << 16)
        if not more:
            break
        said += more
    t.equal("61 questions at once", (said.count(b"HTTP/1.1 200 OK"), said.count(b'"by":"token"')), (61, 1))
    c.close()
    t.equal("and it answers still", p.status(TOKEN), 200)


def guesses():
    write("token", f"{TOKEN}\n")
    p = Page([Nobody()], f"--page-token-file={DIR}/token", "--page-session=2s")
    wrong = "127.0.0.9"
    inside = p.sign_in(source=wrong)[1].split(";")[0]
    c, stream = p.stream(Cookie=inside)
    said = [p.status("wrong-but-long-enough", source=wrong) if n % 2 else p.sign_in("wrong", source=wrong)[0] for n in range(11)]
    t.check("ten wrong tokens", said[:10] == [401] * 10, said)
    status, _, headers = p.ask("/api/v1/map", TOKEN, source=wrong)
    t.check("then not even the right one is looked at", status == 429 and int(headers["Retry-After"]) > 0, (status, said))
    t.equal("nor in the form", p.sign_in(source=wrong)[0], 429)
    t.check("the log names the address, once", p.said().count(f"'{wrong}' has to wait") == 1 and f"signed in to the page from '{wrong}'" in p.said(), p.said())
    t.equal("another address is not held to it", p.status(TOKEN), 200)
    t.check("a session ends by itself", t.until(lambda: p.status(cookie=inside) == 401))
    t.check("with its stream", t.until(lambda: cut(c)))
    p.end()


def certificates_alone():
    put("ca.crt", "clients.crt")
    p = Page([Nobody()], f"--page-client-ca={DIR}/clients.crt")
    t.equal("by certificates alone: without one not even the files", fails(p), 0)
    t.equal("with one", p.status(tls=context("client")), 200)
    t.equal("there is no form", p.ask("/sign-in", tls=context("client"))[0], 404)
    t.equal("a token is nothing", fails(p, token=TOKEN), 0)
    p.end()


def run():
    agents = subprocess.Popen([f"{B}/tests/relay/fake_agent", f"--at={DIR}/a", "--agents=1", "--rate=50", "--past=100", "--edges=10"],
                              stdout=subprocess.DEVNULL)
    p = None
    try:
        t.until(lambda: os.path.exists(f"{DIR}/a.0.sock"))
        agent = Nobody()
        agent.name, agent.address = "n0", lambda: f"unix:{DIR}/a.0.sock"
        p = Page([agent], f"--page-token-file={DIR}/token", f"--page-client-ca={DIR}/clients.crt", "--page-host=page.example")
        idle = [p.raw(b"\x16\x03\x01", source="127.0.0.4") for _ in range(3)]
        for part in (outsiders, browsers, certificates, tokens, crowds):
            part(p)
        t.check("a handshake that takes too long is cut", t.until(lambda: not left(idle)))
        p.end()
    finally:
        if p:
            p.relay.process.kill()
        agents.send_signal(signal.SIGTERM)
        agents.wait()


os.mkdir(CERTS)
try:
    subprocess.run(["sh", f"{HERE}/../rpc/certs.sh", CERTS], check=True)
    for one, name in (("server.crt", "page.crt"), ("server.key", "page.key"), ("ca.crt", "clients.crt")):
        put(one, name)
    for part in (starts, run, guesses, certificates_alone):
        began = time.monotonic()
        part()
        print(f"{part.__name__}: {time.monotonic() - began:.1f} s")
finally:
    shutil.rmtree(DIR, ignore_errors=True)
sys.exit(t.done())
