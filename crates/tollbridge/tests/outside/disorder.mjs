// Sessions of which either side is reset, half-closed, stalled, delayed, trickled or closed with any code, at random. The
// load generator is both sides and knows what it did: every ending in the log must have the name and the side that fit, and
// at the end no session, descriptor or memory may be left over.
//
//   node disorder.mjs [short|long] [SEED]

import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { allGone, descriptors, entry, events, Load, memory, mib, settled, tokens } from './load.mjs'
import { freePort } from './ports.mjs'

const long = process.argv[2] === 'long'
const seed = Number(process.argv[3] ?? randomInt(1_000_000))
const [SESSIONS, WARM, SECONDS] = long ? [500, 10, 300] : [100, 1, 3]
/** The latest that a session's act comes in milliseconds, and the seconds that a side which stalls reads nothing. */
const [LATEST, UNREAD] = long ? [3_000, 10] : [1_000, 6]
/** Seconds between pings: two of them unanswered end a session, which has to be later than any other timeout here. */
const PING = long ? 5 : 3
/** What memory may be at the end, in times of what it was after the warm-up, beside what has to be remembered. */
const GROWTH = 1.3
/** Bytes that a used token may take until its redemption window closes, ten minutes here: forgotten, it could be used again. */
const USED_TOKEN = 160

const route = (port) => `
[routes.disorder]
upstream = "ws://127.0.0.1:${port}/disorder"
origins = ["*"]
callers = ["backend"]
query_allow = ["n"]
credentials = { headers = { authorization = "env:UPSTREAM_BEARER", x-session = "{session_id}" } }
limits = { write_timeout = "2s", idle_timeout = "4s", ping_interval = "${PING}s" }
`

/** One round, and what the bridge holds when all of its sessions are gone. */
async function round(bridge, load, seconds) {
  await load.stage('READY')
  load.go()
  const done = await load.stage('ROUND', (seconds + 120) * 1_000)
  const left = await allGone(bridge)
  const { pid } = bridge.child
  return { ...done, ...left, fds: await settled(pid), pss: memory(pid) }
}

/** Every ending that the log names otherwise than what was done. */
function misnamed(bridge, lines) {
  const closed = new Map(events(bridge, 'session.closed').map((event) => [event.session_id, event]))
  const wrong = new Map()
  const note = (what) => wrong.set(what, (wrong.get(what) ?? 0) + 1)
  for (const { session, did, initiator, reason } of lines) {
    const event = closed.get(session)
    if (!event) note(`${did}: no event`)
    else if (event.initiator !== initiator || event.reason !== reason) note(`${did}: ${event.initiator} ${event.reason || '-'} in place of ${initiator} ${reason || '-'}`)
  }
  return { wrong, closed: closed.size }
}

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  const port = await freePort()
  const bridge = await new Bridge(route(port), { env: { UPSTREAM_BEARER: `Bearer ${secret}` }, level: 'info' }).open()
  const report = join(bridge.dir, 'report')
  const file = await tokens(bridge, 'disorder', SESSIONS * Math.ceil((WARM + SECONDS + 10) / 2))
  const load = new Load('disorder', {
    listen: `127.0.0.1:${port}`, secret, conns: SESSIONS, secs: SECONDS, warm: WARM, 'latest-ms': LATEST, unread: UNREAD,
    seed, report, sync: true,
    url: entry(bridge, 'disorder', '&n={n}'), tokens: file,
  })
  measured('seed', seed)
  measured('descriptors before anybody came', descriptors(bridge.child.pid))
  const warm = await round(bridge, load, WARM)
  const end = await round(bridge, load, SECONDS)
  await load.stage('DONE')
  await load.end()

  const lines = readFileSync(report, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  const acts = new Map()
  for (const { did } of lines) acts.set(did, (acts.get(did) ?? 0) + 1)
  const { wrong, closed } = misnamed(bridge, lines)
  measured('sessions', `${end.sessions}: ${[...acts].map(([did, count]) => `${count} ${did}`).join(', ')}`)
  measured('memory', `${mib(warm.pss)} after the warm-up, ${mib(end.pss)} at the end`)
  check('both sides of each read what they had to', warm.faults + end.faults === 0, JSON.stringify({ ...warm.what, ...end.what }))
  check('every ending has its name and its side', wrong.size === 0 && closed >= lines.length, JSON.stringify(Object.fromEntries(wrong)))
  check('no session is left', end.active === 0 && end.listed === 0, `${end.active} active, ${end.listed} listed`)
  check('no descriptor is left', end.fds <= warm.fds, `${end.fds}, after the warm-up ${warm.fds}`)
  const rest = end.pss - end.sessions * USED_TOKEN
  check('no memory is left but of used tokens', rest <= warm.pss * GROWTH, `${(rest / warm.pss).toFixed(2)} times without them`)
  await bridge.close()
})
