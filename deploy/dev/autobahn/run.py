import sys, os, json, subprocess, shlex, collections
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from twisted.internet import reactor
from twisted.logger import globalLogBeginner
globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False, discardBuffer=True)
import binascii
_hex = binascii.b2a_hex
binascii.b2a_hex = lambda d, *a: _hex(d.encode("latin-1") if isinstance(d, str) else d).decode()
import autobahntestsuite.fuzzing as F
from autobahn.twisted.websocket import WebSocketClientProtocol as P
B = lambda s: s.encode("latin-1") if isinstance(s, str) else s
S = lambda b: b.decode("latin-1") if isinstance(b, (bytes, bytearray)) else b
C = F.FuzzingClientProtocol
def sendFrame(self, opcode, payload=b"", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
    p = B(payload)
    if payload_len is not None: p = (p * (payload_len // len(p) + 1))[:payload_len]
    P.sendFrame(self, opcode, p, fin, rsv, B(mask), None, chopsize, sync)
C.sendFrame = sendFrame
C.sendMessage = lambda self, payload, *a, **k: P.sendMessage(self, B(payload), *a, **k)
C.sendMessageFrameData = lambda self, payload, *a, **k: P.sendMessageFrameData(self, B(payload), *a, **k)
C.sendCloseFrame = lambda self, code=None, reasonUtf8=None, isReply=False: P.sendCloseFrame(self, code, B(reasonUtf8), isReply)
def onMessage(self, msg, binary):
    if self.runCase: self.runCase.onMessage(msg if hasattr(self.runCase, "TESTDATA") else S(msg), binary)
C.onMessage = onMessage
C.onPing = lambda self, p: self.runCase and self.runCase.onPing(S(p)) or P.onPing(self, p)
C.onPong = lambda self, p: self.runCase and self.runCase.onPong(S(p))
fresh = os.environ.get("AB_URL_CMD")
class Factory(F.FuzzingClientFactory):
    done = False
    def nextCase(self):
        more = super().nextCase()
        if more and fresh:
            u = subprocess.run(shlex.split(fresh), capture_output=True, text=True, timeout=30)
            if u.returncode or not u.stdout.strip():
                print("AB_URL_CMD failed: %s" % u.stderr.strip()[-300:], file=sys.stderr); self.stop(2)
                return False
            self.setSessionParameters(url=u.stdout.strip().splitlines()[-1], origin=origin)
        return more
    def clientConnectionFailed(self, connector, reason):
        print("cannot connect: %s" % reason.getErrorMessage(), file=sys.stderr); self.stop(2)
    def clientConnectionLost(self, connector, reason):
        if self.done: return
        if self.nextCase(): connector.connect()
        else: self.stop(0)  # a stop already under way keeps its own status
    def stop(self, rc):
        if self.done: return
        self.done = True
        reactor.callLater(0.1, lambda: reactor.running and reactor.stop())
        self.rc = report(self) or rc
def report(f):
    res = {c: a for agent in f.agents.values() for c, a in agent.items()}
    key = lambda c: [int(x) for x in c.split(".")]
    rows = [dict(case=c, behavior=res[c]["behavior"], close=res[c]["behaviorClose"], code=res[c]["remoteCloseCode"],
                 ms=res[c]["duration"], why=res[c]["result"], why_close=res[c]["resultClose"]) for c in sorted(res, key=key)]
    json.dump(rows, open(out, "w"), indent=1)
    n = collections.Counter(r["behavior"] for r in rows)
    known = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]
    missing = [c for c in f.specCases if c not in res]
    print(" ".join("%s %d" % (k, n.get(k, 0)) for k in known), "NOT-RUN %d" % len(missing), "TOTAL %d" % len(f.specCases))
    print("CLOSE", " ".join("%s %d" % kv for kv in sorted(collections.Counter(r["close"] for r in rows).items())))
    bad = [r for r in rows if r["behavior"] not in known[:4]]
    exp = os.environ.get("AB_EXPECT")
    if exp:
        text = open(exp).read()
        if text.lstrip().startswith("["):
            then = {r["case"]: r for r in json.loads(text)}
            want = {c: r["behavior"] for c, r in then.items()}
            moved = [r["case"] for r in rows if r["case"] in then and (r["close"], r["code"]) != (then[r["case"]]["close"], then[r["case"]]["code"])]
            print("close differs: %d" % len(moved), " ".join(moved))
        else:
            want = dict(l.split(None, 1) for l in text.splitlines() if l.strip() and l[0] != "#")
        # how fast a failure is noticed is a race: OK, NON-STRICT and INFORMATIONAL count as one
        soft = lambda b: "OK" if b.strip() in ("OK", "NON-STRICT", "INFORMATIONAL") else b.strip()
        bad = [r for r in rows if soft(r["behavior"]) != soft(want.get(r["case"], "OK"))]
    for k in ("NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"):
        ids = [r["case"] for r in rows if r["behavior"] == k]
        if ids: print(k.lower() + ":", " ".join(ids))
    print("failing:", " ".join(r["case"] for r in bad) or "none")
    for r in bad: print("  %-8s %s/%s code %s: %s" % (r["case"], r["behavior"], r["close"], r["code"], r["why"]))
    if missing: print("not run:", " ".join(missing))
    return 1 if bad and not missing else 0
if __name__ == "__main__":
    url, out = sys.argv[1], os.environ["AB_OUT"]
    origin = os.environ.get("AB_ORIGIN") or None
    cases = sys.argv[2:] or ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
    cases = ["".join(ch for ch in c) for c in cases]
    log, sys.stdout = sys.stdout, open(os.devnull, "w")
    f = Factory.__new__(Factory); f.rc = 2
    # the suite's own pattern match is unanchored at the end and '1.*' also means 10 to 13: expand here
    from autobahntestsuite.case import Cases, CaseBasename
    import fnmatch
    ids = [c.__name__[len(CaseBasename):].replace("_", ".") for c in Cases]
    pick = lambda pats: [i for i in ids if any(fnmatch.fnmatchcase(i, p) for p in pats)]
    drop = set(pick((os.environ.get("AB_EXCLUDE") or "").split()))
    chosen = [i for i in pick(cases) if i not in drop]
    if not chosen: sys.exit("no case matches")
    sys.stdout = open(os.devnull, "w")
    def begin():
        f.__init__({"servers": [{"agent": "target", "url": url, "origin": origin, "options": {"version": 18}}],
                    "cases": chosen, "exclude-cases": [], "exclude-agent-cases": {}})
    real = report
    def report(f):
        sys.stdout = log
        try: return real(f)
        finally: log.flush()
    reactor.callWhenRunning(begin)
    reactor.callLater(float(os.environ.get("AB_LIMIT") or 900), lambda: f.stop(2))
    reactor.run()
    sys.exit(f.rc)
