#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation score of the policy compiler: one branch or operator of lib/policy turned at a time, built, and judged by
random worlds and the compiler's own tests.  A mutant that all of them accept has survived, and is named.

	B=build tests/mutate/mutate.py [--sample N] [--seed N] [--jobs N] [--least PERCENT] [FILE...]

Mutants that compile to the same code as the original are no mutants and are not counted.
"""
import argparse, concurrent.futures, glob, os, random, re, shutil, subprocess, sys, tempfile, time

SWAPS = [
    (r"==", "!="), (r"!=", "=="), (r"<=", "<"), (r">=", ">"), (r"(?<![-<>=])<(?![<=])(?= )", "<="),
    (r"(?<![->=])>(?![>=])(?= )", ">="), (r"&&", "||"), (r"\|\|", "&&"), (r"\bif \((?=.*\)$)", "if (!("),
    (r"(?<=[\w\])]) \+ 1\b", ""), (r"(?<=[\w\])]) - 1\b", ""), (r"\breturn true;", "return false;"),
    (r"\breturn false;", "return true;"), (r"\bcontinue;", "break;"), (r"\bbreak;", ";"), (r"\|= ", "= "),
    (r"(?<=\s)!(?=[a-z(])", ""), (r"\+\+;", ";"),
]
SKIP = re.compile(r"^\s*(//|/?\*|#|\}|case .*:$|default:$)|ENOMEM|_Static_assert|abort\(")


def sites(path):
    """(line number, column, from, to, mutated line)"""
    out, comment = [], False
    for number, line in enumerate(open(path).read().split("\n")):
        code = line.split("//")[0].split("/*")[0]
        if comment or SKIP.search(line):
            comment = "*/" not in line if comment or "/*" in line else False
            continue
        comment = "/*" in line and "*/" not in line
        if line.strip().startswith("static const") or '"' in code and "printf" in code:
            continue
        for pattern, to in SWAPS:
            for m in re.finditer(pattern, code):
                if to == "if (!(":
                    new = line[:m.start()] + "if (!(" + line[m.end():].rstrip()[:-1] + "))"
                else:
                    new = line[:m.start()] + to + line[m.end():]
                out.append((number, m.start(), m.group(0), to or "nothing", new))
    return out


# A mutant that reads or writes what is not its own is caught in the act: its own file is watched, the rest is as ever.
SANITIZE = "-fsanitize=address"

# How rules and misses are worded: no verdict hangs on it, and tests of their own read it.
WORDING = ("near", "line", "words", "ruletext", "image_dump")


class Mutants:
    def __init__(self, build, worlds):
        self.build, self.worlds = build, worlds
        self.units = [build + "/tests/" + name for name in ("unit/policy_compile", "unit/policy_order", "policy/adopt", "policy/random")]
        self.flags = subprocess.run(["make", "-s", "-f", "Makefile", "--eval", "print-flags:;@echo $(WEIR_CFLAGS)",
                                     "B=" + build, "print-flags"], capture_output=True, text=True, check=True).stdout.split()
        self.flags = [f for f in self.flags if f not in ("-Werror", "-g")]

    def compile(self, source, out, include, *more):
        return subprocess.run(["gcc", *self.flags, "-w", "-g0", *more, "-iquote", include, "-c", source, "-o", out],
                              capture_output=True).returncode == 0

    def code(self, obj):
        subprocess.run(["strip", "-g", obj], check=True)
        return open(obj, "rb").read()

    def link(self, tmp, obj, name, program):
        """The program's own objects, the mutant before the library: the linker takes the first."""
        own = [program + ".o"] if os.path.exists(program + ".o") else []
        if "/policy/" in program:
            own += [self.build + "/tests/policy/%s.o" % name for name in ("world", "naive", "run")]
        if "/worlds/" in program:
            own = glob.glob(os.path.dirname(program) + "/*.o") + [
                self.build + "/tests/reference/%s.o" % name for name in ("reference", "read")] + [
                self.build + "/agent/%s.o" % name for name in
                re.search(r"WORLDS_AGENT := (.*)", open("tests/worlds/worlds.mk").read()).group(1).split()]
        lib = tmp + "/lib.a"
        if not os.path.exists(lib):
            shutil.copy(self.build + "/libweir.a", lib)
            subprocess.run(["ar", "d", lib, name], check=True)
            subprocess.run(["ar", "r", lib, obj], check=True, capture_output=True)
        out = tmp + "/" + os.path.basename(program)
        done = subprocess.run(["gcc", SANITIZE, *own, lib, "-o", out, "-lbpf", "-lelf", "-lz", "-lyaml", "-lprotobuf-c", "-lpthread", "-lm"],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit("mutate: %s cannot be linked with a mutant, so nothing would be killed by it:\n%s" % (program, done.stderr[-2000:]))
        return out

    def killed_by(self, tmp, obj, name):
        for program in self.units + [self.build + "/tests/worlds/worlds"]:
            exe = self.link(tmp, obj, name, program)
            args = [exe, "--seed", "1", "--worlds", str(self.worlds), "--no-controls"] if exe.endswith("/worlds") else \
                [exe, "-s", "1"] if "/policy/" in program else [exe]
            try:
                if subprocess.run(args, capture_output=True, timeout=20).returncode:
                    return os.path.basename(program)
            except subprocess.TimeoutExpired:
                return os.path.basename(program) + " (no end)"
        return None

    def judge(self, path, site):
        number, column, was, to, new = site
        tmp = tempfile.mkdtemp(prefix="weir-mutant-")
        try:
            lines = open(path).read().split("\n")
            name = os.path.basename(path)[:-2] + ".o"
            plain, mutant = tmp + "/plain/" + name, tmp + "/" + name
            os.mkdir(tmp + "/plain")
            if not self.compile(path, plain, "."):
                sys.exit("mutate: %s does not build as it is" % path)
            lines[number] = new
            source = tmp + "/" + os.path.basename(path)
            open(source, "w").write("\n".join(lines))
            if not self.compile(source, mutant, os.path.dirname(path)) or self.code(plain) == self.code(mutant):
                return path, site, "no mutant"
            self.compile(source, mutant, os.path.dirname(path), SANITIZE)
            return path, site, self.killed_by(tmp, mutant, name)
        finally:
            shutil.rmtree(tmp)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sample", type=int, default=0, help="so many, drawn at random; 0: all")
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--worlds", type=int, default=150)
    p.add_argument("--least", type=float, default=65, help="percent that must be killed")
    p.add_argument("file", nargs="*")
    a = p.parse_args()
    files = a.file or sorted(set(glob.glob("lib/policy/*.c")) - set(glob.glob("lib/policy/explain*.c")) -
                             {"lib/policy/" + name + ".c" for name in WORDING})
    every = [(f, s) for f in files for s in sites(f)]
    random.seed(a.seed)
    drawn = random.sample(every, min(a.sample or len(every), len(every)))
    m = Mutants(os.environ.get("B", "build"), a.worlds)
    killed, survived, none, by = 0, [], 0, {}
    print("%d places in %d files, %d drawn, seed %d; judged by %s and %d worlds" % (
        len(every), len(files), len(drawn), a.seed, ", ".join("tests/" + u.split("/tests/")[1] for u in m.units), a.worlds))
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for path, site, who in pool.map(lambda x: m.judge(*x), drawn):
            if who == "no mutant":
                none += 1
            elif who:
                killed += 1
                by[who] = by.get(who, 0) + 1
            else:
                survived.append((path, site))
                print("survived: %s:%d: '%s' to '%s': %s" % (path, site[0] + 1, site[2], site[3], site[4].strip()), flush=True)
    whole = killed + len(survived)
    score = 100.0 * killed / whole if whole else 0
    print("killed %d of %d mutants (%.1f %%), by %s; %d more were no mutants" % (
        killed, whole, score, ", ".join("%s %d" % x for x in sorted(by.items())) or "nobody", none))
    ok = score >= a.least
    print("%d passed, %d failed" % (int(ok), int(not ok)))
    return 0 if ok else 1


sys.exit(main())
