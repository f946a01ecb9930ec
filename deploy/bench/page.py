"""Writes docs/performance.md from the results of the last full runs."""

import json
import sys

import ground
from figures import costs, of_kind, rates
from report import missed, noise, versions, versus, warning, where, whole

PAGE = ground.ROOT / "docs/performance.md"

HEAD = """# Performance

This page is written by `just bench`; edit `deploy/bench/page.py` instead.

What one session costs in Tollbridge and in the three proxies that people put in front of a WebSocket API: nginx, HAProxy
and Envoy. They verify a JWT from the query, set the header and then relay bytes they do not look at. Tollbridge uses each
token once, reads every frame header, holds every limit, keeps a session list, metrics and an audit log, and all of that is
on here. A ratio below 1 means that Tollbridge costs less. To repeat it: [how to benchmark](how-to/benchmark.md).
"""

MODES = {
    "none": (
        "Plain TCP on both legs",
        "full.json",
        "`direct` is no proxy at all, `tcp-copy` a raw TCP relay of one thread without HTTP or tokens (read, write, epoll), "
        "`tcp-splice` the same with splice(2): floors, no peers.",
    ),
    "upstream": (
        "TLS to the upstream",
        "full-tls-upstream.json",
        "As in real use: the upstream is `wss:`. TLS 1.3, AES-128-GCM, X25519, a P-256 certificate of a throw-away CA that every "
        "target verifies. `tcp-copy` passes the load's own TLS through unopened; `tls-copy` is a byte relay on rustls and ring "
        "without HTTP or tokens.",
    ),
    "both": (
        "TLS on both legs",
        "full-tls-both.json",
        "The same, and `wss:` from the client. By default there is a full handshake with every client, and the upstream's sessions "
        "are kept as each target does out of the box; where every handshake is a full one, the upstream issues no tickets.",
    ),
}

METHOD = """## Method

- Every target has one worker or thread, no access log, TCP_NODELAY. It is pinned to one core, the load and the upstream to
  the others. All targets run at the same time and are measured in turn, so that a noisy minute hits all of them.
- CPU is what the scheduler charged to the target's whole process tree, user and kernel together, read after the
  connections are up and before they close. Delivering what it sends is in it: on loopback the receiving half of TCP runs in
  the sender.
- CPU figures are each target's quietest repetition, for interference only ever adds CPU time. Floods, memory and latency
  are medians. Samples during which other processes used more than 0.2 of a core are left out.
- Of connections, floods, voice and messages of 64 and 3,200 B there are three samples in each repetition, and in plain TCP
  six of voice and of those messages: what tells the targets apart there is little beside what a shared machine adds now and then.
- Relay: echo ping-pong on 16 connections (64 KiB: 8), one message in flight on each; an echo is two relayed messages.
  Pipelined: 4 connections, 32 messages in flight. Floods: 64 KiB messages on 2 connections. Voice: paced sessions, 3,200 B
  every 100 ms up and about 130 B of JSON down, from 0.8 s after they are up: an audit log of 100 admissions would be a
  twentieth of it. Every echo is compared with what was sent, every answer of the voice load
  carries the number of the message that it answers.
- Connection: 8 at a time; connect, a token never presented before, dial the upstream, one 64 B echo, closing handshake.
  CPU is read on for 0.8 s after the last one, until the audit log is written. Tollbridge has EdDSA tokens, its default; the
  peers have ES256, the fastest asymmetric algorithm that all of them verify.
- Tollbridge's tokens are minted over its API, as an application asks for them, and it is left alone for 1.2 s afterwards.
  What this process signed it need not verify ([why](adr/0024-recall.md)). "Tokens that another process signed" is what a
  connection costs where another node, or the command line, minted, and the rows by algorithm are of these too. The peers
  mint nothing: every token is somebody else's, and verified.
- Idle: so many sessions, one 3,200 B echo each, then silence. Memory is the proportional set size; what the kernel holds
  for sockets is the same for all and not in it. The tokens are minted by another process: a Tollbridge that has also minted
  all 2,000 within a second holds 1 MiB more afterwards.
- Before anything is measured each target must pass the checks: every kind of bad token is refused without a dial, the
  client's own header never arrives, the real one does once, fragments, pings and close codes come through, and with TLS an
  upstream certificate of another CA opens nothing.
"""

LIMITS = """## What the figures do not say

- One machine, loopback only, a handful of sessions per figure (memory aside). Take the ratios, not the microseconds, and
  no ratios across runs.
- Differences below 5 %, or below 20 % in medians, mean nothing on a shared machine. Floods are the least steady.
- The added round trip is two wake-ups across cores and the same for everybody; it only shows when something is wrong.
- Packages decide too: HAProxy and nginx on another TLS library have other handshakes.
"""


def write():
    """Writes the page from the results that are there; 1 if the run over plain TCP is missing."""
    results = {}
    for mode, (_, file, _) in MODES.items():
        path = ground.RESULTS / file
        if path.exists():
            results[mode] = json.loads(path.read_text())
    if "none" not in results:
        print(f"bench: no {ground.RESULTS / 'full.json'}: run `just bench` first", file=sys.stderr)
        return 1
    PAGE.write_text(text(results))
    print(f"bench: {PAGE} written", file=sys.stderr)
    return 0


def text(results):
    """The whole page."""
    parts = [HEAD, "## Against the best peer\n", summary(results)]
    for mode, result in results.items():
        parts += [f"### {MODES[mode][0]}\n", versus(result)]
    for mode, result in results.items():
        parts += details(mode, result)
    parts += [METHOD, LIMITS, "## Versions\n", *versions_of(results)]
    return "\n".join(parts)


def summary(results):
    said = []
    for mode, result in results.items():
        short = missed(result)
        said.append(f"- {MODES[mode][0]}: " + (f"short of what is wanted: {'; '.join(short)}." if short else "all as wanted."))
    return (
        "Each figure beside the peer that leads in it: no peer leads everywhere. \"Wanted\" is what this project sets itself, as a "
        "ratio to that peer or as a value; bold is short of it.\n\n" + "\n".join(said) + "\n"
    )


def details(mode, result):
    title, _, about = MODES[mode]
    parts = [f"## {title}\n", about + "\n", where(result), warning(result)]
    parts += ["In brackets the ratio to the best peer, which is bold.\n", whole(result, costs(result))]
    parts += ["Rates by the wall clock, for orientation: they say as much about the load.\n", whole(result, rates()), noise(result)]
    if result.get("note"):  # whoever put a part of another run in says so
        parts.append(result["note"] + "\n")
    if result["errors"]:
        parts.append("What failed: " + "; ".join(error.splitlines()[0] for error in result["errors"]) + ".\n")
    return parts


def versions_of(results):
    """The same line is said once."""
    result = results["none"]
    lines = [versions(result)]
    lines += [f"- `{name}`: {result['targets'][name]['about']}" for kind in ("candidate", "peer") for name in of_kind(result, kind)]
    return ["\n".join([lines[0], *lines[1:]]) + "\n"]
