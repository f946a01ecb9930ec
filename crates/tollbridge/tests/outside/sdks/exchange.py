"""Runs an exchange of Python's SDKs: the request is JSON on standard input, what was heard JSON on standard output."""

import asyncio
import json
import sys

PACKET = 0.1


async def paced(packets):
    """The packets, still base64, at the pace of speech."""
    for packet in packets:
        yield packet
        await asyncio.sleep(PACKET)


async def reported(converse, events):
    said = json.load(sys.stdin)
    errors = []
    try:
        await converse(said["bridge"], said["token"], paced(said["packets"]), events.append)
    except Exception as failure:  # whatever it is, the runner shows it
        errors.append(f"{type(failure).__name__}: {failure}")
    print(json.dumps({"sockets": [], "events": events, "errors": errors}))


def main(converse):
    asyncio.run(reported(converse, []))
