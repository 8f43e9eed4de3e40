# SPDX-License-Identifier: Apache-2.0
"""A lab of its own for a test, and real traffic in it.

    with Lab("policies/shop") as lab:
        lab.serve("shop/cart", 8080)
        lab.talk("shop/frontend", "10.244.1.11", 8080)      True: it was answered, which may take its time
        lab.tries("shop/rogue", "10.244.1.13", 5432)        the same where no answer is expected: not waited for as long
        lab.observer("n1")                                  where that agent serves gRPC
"""
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.environ.get("B", "build")
WEIR = f"{BUILD}/weir"
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def in_netns(path, fn):
    """Runs fn() on a thread that has moved there; what it returns or raises."""
    said = {}

    def run():
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if libc.setns(fd, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns " + path)
            finally:
                os.close(fd)
            said["value"] = fn()
        except BaseException as e:
            said["error"] = e

    t = threading.Thread(target=run)
    t.start()
    t.join()
    if "error" in said:
        raise said["error"]
    return said["value"]


class Lab:
    def __init__(self, manifests, *agent_options, name=None):
        self.name = name or f"api{os.getpid()}"
        self.options = agent_options
        self.dir = tempfile.mkdtemp(prefix=f"weir-api-{os.getpid()}-")
        self.state = os.path.join(self.dir, "state")
        shutil.copytree(manifests, self.state)
        self.servers = []
        self.up = False

    def __enter__(self):
        args = [WEIR, "lab", "up", self.state, "--name", self.name]
        for o in self.options:
            args += ["-A", o]
        said = subprocess.run(args, capture_output=True, text=True)
        if said.returncode:
            shutil.rmtree(self.dir)
            raise RuntimeError(said.stdout + said.stderr)
        self.up = True
        said = subprocess.run([WEIR, "lab", "status", "-o", "json", self.name], capture_output=True, text=True)
        lab = json.loads(said.stdout)["labs"][0]
        self.node = {n["name"]: n for n in lab["nodes"]}
        self.netns = {p["name"]: self.path(p["netns"]) for p in lab["pods"]}
        self.netns["outside"] = self.path(next(iter(lab["pods"]))["netns"], "outside")
        return self

    def path(self, netns, other=None):
        if other:       # names follow from names: .../LAB-shop-web becomes .../LAB-outside
            netns = netns[:netns.index(self.name) + len(self.name)] + netns[netns.index(self.name) + len(self.name)] + other
        return netns if netns.startswith("/") else "/run/netns/" + netns

    def sanitized(self):
        """What a sanitizer said of the agents, if they were built with one; they end for it."""
        said = []
        for n in self.node.values():
            try:
                os.kill(n["pid"], signal.SIGTERM)
            except ProcessLookupError:
                pass
        time.sleep(3)
        for n in self.node:
            said += [x for x in self.log(n).splitlines() if "Sanitizer" in x or "runtime error" in x or x.startswith("    #")]
        return said

    def __exit__(self, *exc):
        for s in self.servers:
            try:
                s.shutdown(socket.SHUT_RDWR)    # wakes who waits for it
            except OSError:
                pass
            s.close()
        if self.up and "san" in BUILD:
            for line in self.sanitized()[:60]:
                print("sanitizer:", line)
        if self.up:
            subprocess.run([WEIR, "lab", "down", self.name], stdout=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def observer(self, node="n1"):
        return "unix:" + self.node[node]["observer"]

    def control(self, node="n1"):
        return "unix:" + self.node[node]["socket"]

    def pid(self, node="n1"):
        return self.node[node]["pid"]

    def log(self, node="n1"):
        with open(self.node[node]["socket"].replace(".sock", ".log")) as f:
            return f.read()

    def serve(self, who, port, udp=False):
        """Answers on both families until the lab goes."""
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM

        def make():
            s = socket.socket(socket.AF_INET6, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("::", port))
            if not udp:
                s.listen(512)
                s.setblocking(False)
            return s

        s = in_netns(self.netns[who], make)
        self.servers.append(s)
        threading.Thread(target=answer_udp if udp else answer_tcp, args=(s,), daemon=True).start()

    def talk(self, who, address, port, udp=False, seconds=20, source=None, say=b"hello"):
        """One exchange; whether it was answered: at once when it is, and 'seconds' are for a machine with much else to do."""
        return self.talks(who, [(address, port)], udp, seconds, source, say)[0]

    def tries(self, who, address, port, udp=False, seconds=0.3):
        return self.talk(who, address, port, udp, seconds)

    def talks(self, who, where, udp=False, seconds=20, source=None, say=b"hello"):
        """Many at once."""
        return in_netns(self.netns[who], lambda: exchange(where, udp, seconds, source, say))


def answer_tcp(listener):
    """What each says first comes back to it; the connection ends when the other side ends it."""
    poll, by_fd = select.poll(), {listener.fileno(): listener}
    poll.register(listener, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            try:
                if by_fd[fd] is listener:
                    s = listener.accept()[0]
                    by_fd[s.fileno()] = s
                    poll.register(s, select.POLLIN)
                    continue
                data = by_fd[fd].recv(4096)
                if data:
                    by_fd[fd].sendall(data)
                    continue
            except BlockingIOError:
                continue
            except OSError:
                if by_fd[fd] is listener:
                    return
            poll.unregister(fd)
            by_fd.pop(fd).close()


def answer_udp(s):
    while True:
        try:
            data, who = s.recvfrom(4096)
            s.sendto(data, who)
        except OSError:
            return


def exchange(where, udp, seconds, source, say):
    open_, fine = {}, [False] * len(where)
    for i, (address, port) in enumerate(where):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        s.setblocking(False)
        if source:
            s.bind((source, 0))
        try:
            s.connect((address, port))
        except BlockingIOError:
            pass
        except OSError:
            s.close()
            continue
        open_[s] = i
    poll, by_fd = select.poll(), {s.fileno(): s for s in open_}
    for fd in by_fd:
        poll.register(fd, select.POLLOUT)
    stop = time.monotonic() + seconds
    while by_fd and time.monotonic() < stop:
        for fd, what in poll.poll(50):
            s = by_fd[fd]
            try:
                if what & select.POLLOUT:
                    s.send(say)
                    poll.modify(fd, select.POLLIN)
                    continue
                fine[open_[s]] = s.recv(4096) == say
            except OSError:
                pass
            poll.unregister(fd)
            by_fd.pop(fd).close()
    for s in by_fd.values():
        s.close()
    return fine


DEBIAN = "/usr/bin/python3"      # where python3-grpcio is, if another python3 comes first in PATH


def needs_root():
    try:
        import grpc  # noqa: F401
    except ImportError:
        if os.path.realpath(sys.executable) == os.path.realpath(DEBIAN) or not os.access(DEBIAN, os.X_OK):
            print("skipped: needs python3-grpcio")
            print("0 passed, 0 failed, 1 skipped")
            sys.exit(0)
        os.execv(DEBIAN, [DEBIAN] + sys.argv)
    if os.geteuid():
        print("skipped: needs root")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    os.environ.pop("WEIR_SERVER", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
