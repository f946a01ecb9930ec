"""What a run found: a row a case, the counts, and where it differs from an earlier run."""

import collections
import json
import os

KNOWN = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]
# How fast a failure is noticed is a race: these count as one.
SOFT = ("OK", "NON-STRICT", "INFORMATIONAL")
# How much later than in the earlier run a case may end before it is listed, in milliseconds.
LATE = 1000

OUT = os.environ["AB_OUT"]
EXPECT = os.environ.get("AB_EXPECT")


def row_of(case, result):
    """What is kept of one case."""
    return {
        "case": case,
        "behavior": result["behavior"],
        "close": result["behaviorClose"],
        "code": result["remoteCloseCode"],
        "reason": result["remoteCloseReason"],
        # Who closed: by the close frame, by TCP, and whether either of them had to be waited for.
        "sides": {
            name: result[name]
            for name in (
                "closedByMe",
                "failedByMe",
                "droppedByMe",
                "wasClean",
                "wasServerConnectionDropTimeout",
                "wasCloseHandshakeTimeout",
            )
        },
        "ms": result["duration"],
        "ending": result["ending"],
        "why": result["result"],
        "why_close": result["resultClose"],
    }


def rows_of(factory):
    """One row a case, in the order of the cases' numbers."""
    results = {case: result for agent in factory.agents.values() for case, result in agent.items()}
    return [row_of(case, results[case]) for case in sorted(results, key=lambda case: [int(part) for part in case.split(".")])]


def soft(behavior):
    return "OK" if behavior in SOFT else behavior


def lateness(now, before):
    """How much later a case ended, in milliseconds: all of it, or in groups 12 and 13, which count 1,000 messages, its end."""
    what = "ending" if now["case"].split(".")[0] in ("12", "13") else "ms"
    return now[what] - before[what]


def differing(rows):
    """Rows that are not as the earlier run had them; prints the cases whose end differs, or comes late."""
    with open(EXPECT) as file:
        then = {row["case"]: row for row in json.load(file)}
    both = [(row, then[row["case"]]) for row in rows if row["case"] in then]
    ending = lambda row: (row["close"], row["code"])  # noqa: E731
    moved = [now["case"] for now, before in both if ending(now) != ending(before)]
    turned = [now["case"] for now, before in both if now["sides"] != before["sides"]]
    worded = [now["case"] for now, before in both if now["reason"] != before["reason"]]
    softer = [now["case"] for now, before in both if now["behavior"] != before["behavior"]]
    late = [now["case"] for now, before in both if lateness(now, before) > LATE]
    print(f"close differs: {len(moved)}", *moved)
    print(f"side differs: {len(turned)}", *turned)
    print(f"reason differs: {len(worded)}", *worded)
    print(f"behavior differs, races included: {len(softer)}", *softer)
    print(f"late by {LATE} ms: {len(late)}", *late)
    if both:
        now, before = max(both, key=lambda pair: lateness(*pair))
        print(f"latest: {now['case']}, by {lateness(now, before)} ms")
    return [row for row in rows if soft(row["behavior"]) != soft(then.get(row["case"], {"behavior": "OK"})["behavior"])]


def report(factory):
    """Writes the rows, prints the counts; 1 where a case fails, or is not as expected."""
    rows = rows_of(factory)
    with open(OUT, "w") as file:
        json.dump(rows, file, indent=1)
    ran = {row["case"] for row in rows}
    missing = [case for case in factory.specCases if case not in ran]
    counts = collections.Counter(row["behavior"] for row in rows)
    print(*(f"{word} {counts[word]}" for word in KNOWN), f"NOT-RUN {len(missing)} TOTAL {len(factory.specCases)}")
    closes = collections.Counter(row["close"] for row in rows)
    print("CLOSE", *(f"{word} {closes[word]}" for word in sorted(closes)))
    bad = differing(rows) if EXPECT else [row for row in rows if row["behavior"] not in KNOWN[:4]]
    for word in KNOWN[1:4]:
        cases = [row["case"] for row in rows if row["behavior"] == word]
        if cases:
            print(f"{word.lower()}:", *cases)
    print("failing:", " ".join(row["case"] for row in bad) or "none")
    for row in bad:
        print(f"  {row['case']:8} {row['behavior']}/{row['close']} code {row['code']}: {row['why']}")
    if missing:
        print("not run:", *missing)
    return 1 if bad and not missing else 0
