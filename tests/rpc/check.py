# SPDX-License-Identifier: Apache-2.0
"""A test's few words, and the programs it runs."""
import os, resource, signal, subprocess, sys, time, traceback

B = os.environ.get("B", "build")
MEMORY = "san" not in B		# sanitizers keep what was freed: their sizes say nothing
passed = failed = skipped = 0
children = []


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("failed:", what, flush=True)


def equal(got, want, what):
    check(got == want, f"{what}: {got!r} is not {want!r}")


def bounded(kib, most, what):
    if MEMORY:
        check(kib < most, f"{what}: {kib} KiB, over {most}")


def skip(why):
    global skipped
    skipped += 1
    print("skipped:", why, flush=True)


def until(fn, seconds=30, step=0.02):
    """What 'fn' says, once it says something."""
    end = time.time() + seconds
    while not (got := fn()) and time.time() < end:
        time.sleep(step)
    return got


class Server:
    """tests/rpc/serve, with its listeners."""

    def __init__(self, *args, quiet=True, files_most=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (files_most, files_most))

        self.p = subprocess.Popen([B + "/tests/rpc/serve", *args], stdout=subprocess.PIPE, text=True,
                                  preexec_fn=limit if files_most else None,
                                  stderr=subprocess.DEVNULL if quiet else None)
        children.append(self.p)
        self.ports, self.error = [], None
        for line in self.p.stdout:
            word = line.split()
            if word[0] == "port":
                self.ports.append(int(word[1]))
            elif word[0] == "error":
                self.error = line[6:].strip()
            elif word[0] == "ready":
                break
        self.at = f"127.0.0.1:{self.ports[0]}" if self.ports else None

    def send(self, signo):
        self.p.send_signal(signo)

    def rss(self):
        with open(f"/proc/{self.p.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024

    def peak(self):
        with open(f"/proc/{self.p.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def stop(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        try:
            rest = self.p.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired:
            self.p.kill()
            rest = self.p.communicate()[0] or ""
        check(self.p.returncode == 0 and "stopped" in rest, f"the server ends well: {self.p.returncode}")


def done():
    """Last of all, also when an exception has ended the test: that is a failure, too."""
    global failed
    if sys.exc_info()[0]:
        failed += 1
        traceback.print_exc(file=sys.stdout)
    for p in children:
        if p.poll() is None:
            p.kill()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not passed else 0)
