# SPDX-License-Identifier: Apache-2.0
"""A test's few words: check(what, is_so), equal(what, got, want), and at the end done()."""
import resource
import sys
import time

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]        # some hold a thousand connections, and many a shell allows 1,024 files
resource.setrlimit(resource.RLIMIT_NOFILE, (hard if 0 < hard < 8192 else 8192, hard))
passed = failed = 0
skipped = []


def check(what, is_so, more=""):
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"{what}: no{': ' if more else ''}{str(more)[:800]}", flush=True)
    return bool(is_so)


def equal(what, got, want):
    return check(what, got == want, f"{got!r}, not {want!r}")


def skip(why):
    skipped.append(why)
    print(f"skipped: {why}", flush=True)


def until(fn, seconds=30, step=0.05):
    """What fn() says as soon as it is true, or its last answer.  The machine may have much else to do: 'seconds' are no claim."""
    end = time.monotonic() + seconds
    while True:
        said = fn()
        if said or time.monotonic() > end:
            return said
        time.sleep(step)


def done():
    tail = f", {len(skipped)} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}", flush=True)
    sys.exit(1 if failed or not (passed or skipped) else 0)
