#!/usr/bin/env python3
"""Benchmark of WebSocket bridges that verify a token from the query and dial an upstream that wants a header.

  bench.py verify [--targets a,b]                 does each target reject and inject as it must?
  bench.py run [--quick] [--targets a,b]          verifies, then measures in one interleaved run
  bench.py all [--quick]                          run in every mode of TLS, then page; with --quick one short run
  bench.py page                                   writes docs/performance.md from the results of full runs
  bench.py report FILE                            the tables of an earlier run
  bench.py serve --targets a [--alg EdDSA]        starts upstream and one target and holds them, for perf and strace

Only Python's standard library. docs/how-to/benchmark.md says how, docs/performance.md what came of it.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys

import ground
import page
import processes
import report
import targets
from run import How, Run, write
from upstream import Upstream


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["verify", "run", "all", "page", "report", "serve"])
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--targets", type=lambda text: [name for name in text.split(",") if name])
    parser.add_argument("--quick", action="store_true", help="under 90 s: Tollbridge against the leader in each figure")
    parser.add_argument("--smoke", action="store_true", help="seconds: does everything run? The figures mean nothing")
    parser.add_argument("--tls", choices=["none", "upstream", "both"], default="none")
    parser.add_argument("--reps", type=int)
    parser.add_argument("--secs", type=float, help="of each sample")
    parser.add_argument("--loads", type=lambda text: text.split(","), help="only these, e.g. relay_64,voice,connect,idle")
    parser.add_argument("--idle-big", type=int, help="sessions of the large idle measurement; 0 leaves it out")
    parser.add_argument("--alg", help="of serve; default: the target's first")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--no-verify", action="store_true")
    parser.add_argument("--no-pin", action="store_true")
    return parser.parse_args()


def chosen(options):
    """Names of the targets, and the leaders to compare with where not all are measured on everything."""
    kind = "none" if options.tls == "none" else "tls"
    if options.targets:
        extra = [] if options.what == "verify" or options.smoke else ["direct", "tcp-copy"]
        return [name for name in extra if name not in options.targets] + options.targets, None
    if options.smoke:
        return ["tollbridge"], None
    if options.quick:
        leaders = targets.LEADERS if kind == "none" else targets.TLS_LEADERS
        peers = sorted({name for names in leaders.values() for name in names})
        return ["tollbridge", *peers, "tcp-copy"], leaders
    return ["tollbridge", *targets.PEERS[kind], *targets.REFERENCES[kind]], None


def measured(options):
    how = How.smoke() if options.smoke else How.quick() if options.quick else How.full()
    how.reps = options.reps or how.reps
    how.secs = options.secs or how.secs
    how.idle_big = how.idle_big if options.idle_big is None else options.idle_big
    how.loads = options.loads
    return how


def verify(options):
    run = Run(chosen(options)[0], measured(options))
    run.upstream.start()
    return 0 if run.verify(every_algorithm=True, show=True) else 1


def run(options):
    """Verifies and measures; 1 if a check or a sample failed."""
    names, leaders = chosen(options)
    one = Run(names, measured(options), leaders)
    one.upstream.start()
    good = options.no_verify or one.verify(every_algorithm=not (options.quick or options.smoke))
    one.measure()
    short = options.quick or options.smoke
    if not short and options.tls == "none" and not options.loads:
        one.measure_more()
    one.upstream.stop()
    kind = "smoke" if options.smoke else "quick" if options.quick else "full"
    result = one.result(kind)
    # A choice of figures must not stand where the page looks for all of them.
    name = "chosen" if options.loads else kind
    out = options.out or ground.RESULTS / f"{name}{'' if options.tls == 'none' else '-tls-' + options.tls}.json"
    write(result, out)
    text = report.report(result)
    out.with_suffix(".md").write_text(text)
    print(text)
    one.note(f"written to {out}")
    return 0 if good and not one.errors else 1


def every(options):
    """The whole benchmark, each mode in a process of its own."""
    if options.quick:
        return run(options)
    status = 0
    for tls in ("none", "upstream", "both"):
        status |= subprocess.run([sys.executable, __file__, "run", "--tls", tls]).returncode
    return status | page.write()


def serve(options):
    upstream = Upstream()
    upstream.start()
    target = targets.load(options.targets or ["tollbridge"])[0]
    target.start(options.alg)
    about = {"pids": target.pids, "url": target.url("echo"), "keys": str(ground.KEYS), "upstream_pid": upstream.process.pid}
    print(json.dumps(about), flush=True)
    signal.pause()


def main():
    options = arguments()
    if options.what == "report":
        print(report.report(json.loads(options.file.read_text())))
        return 0
    if options.what == "page":
        return page.write()
    if not pathlib.Path(ground.WSLOAD).exists():
        sys.exit("bench: no load generator: run sh deploy/bench/install.sh first")
    ground.Mode.tls = options.tls
    ground.Mode.pin = not options.no_pin and ground.CORES > 1
    ground.folders()
    processes.descriptors()
    targets.keys()
    try:
        return {"verify": verify, "run": run, "all": every, "serve": serve}[options.what](options)
    finally:
        processes.stop_all()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
