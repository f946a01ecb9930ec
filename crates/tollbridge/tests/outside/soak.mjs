// Sessions held open and idle-pinged, then voices in real time, directly and through the bridge. Each level of held sessions
// gets a fresh bridge, so that what one session costs can be read off.
//
//   node soak.mjs [short|long]

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { allGone, descriptors, entry, farSide, kernel, kib, Load, memory, mib, ms, processor, tokens } from './load.mjs'

const long = process.argv[2] === 'long'
/** Sessions, and how many seconds they idle. */
const HELD = long ? [[100, 30], [1_000, 30], [9_000, 300]] : [[200, 5]]
/** Voices, and how many seconds they speak. */
const VOICES = long ? [[100, 30], [1_000, 180]] : [[200, 4]]
/** Seconds between the bridge's pings. */
const PING = long ? 25 : 2
/** How late an answer may be in the long form, in microseconds, at its 99.9th percentile. */
const LATE = long ? 50_000 : 2_000_000

const route = (name, port) => `
[routes.${name}]
upstream = "ws://127.0.0.1:${port}/${name}"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { authorization = "env:UPSTREAM_BEARER" } }
limits = { ping_interval = "${PING}s" }
`

const secret = randomBytes(24).toString('base64url')
const bearer = `Bearer ${secret}`

const open = (port) => new Bridge(route('echo', port) + route('voice', port), {
  env: { UPSTREAM_BEARER: bearer },
  level: 'warn',
  server: 'max_sessions = 20000\ndrain_window = "2s"',
}).open()

/** Opens so many, leaves them idle, finds them again; what one of them costs. */
async function held(far, count, seconds) {
  const bridge = await open(far.port)
  const { pid } = bridge.child
  const file = await tokens(bridge, 'echo', count)
  await pause(500)
  const before = { pss: memory(pid), fds: descriptors(pid), ...kernel() }
  const load = new Load('hold', { url: entry(bridge, 'echo'), tokens: file, conns: count, conc: 64, echo: 3_200, sync: true })
  const up = await load.stage('UP', 240_000)
  await pause(2_000)
  const now = { pss: memory(pid), fds: descriptors(pid), ...kernel() }
  const spent = processor(pid)
  await pause(seconds * 1_000)
  const idle = (processor(pid) - spent) / seconds
  load.go()
  const done = await load.stage('DONE', 180_000)
  const each = (what) => (now[what] - before[what]) / count
  measured(`${count} held for ${seconds} s`, `opened in ${up.secs} s; each: ${kib(each('pss'))} of the bridge's own memory, `
    + `${each('fds').toFixed(2)} descriptors; idle: ${(idle * 1e6 / count).toFixed(1)} µs of a core a second`)
  measured(`the kernel for these ${count}, bridge, client and upstream together`, `${kib(each('slab'))} of slab, ${kib(each('tcp'))} of queues each`)
  check(`none of ${count} is lost`, up.open === count && done.whole === count && done.lost === 0, JSON.stringify(done.why))
  check(`each of ${count} was pinged`, seconds < PING || done.pings_least >= Math.floor(seconds / PING) - 1, `${done.pings_least} at the least, ${done.pings} in all`)
  const left = await allGone(bridge)
  check(`all of ${count} are off the list`, left.active === 0 && left.listed === 0, `${left.active} active, ${left.listed} listed`)
  measured(`memory after the ${count} are gone`, `${mib(memory(pid))}, before ${mib(before.pss)}`)
  await bridge.close()
}

/** Voices of 3,200 bytes each 100 ms, each message numbered at both ends and each answer compared as a whole. */
async function speak(url, flags, count, seconds) {
  const load = new Load('voice', { url, conns: count, secs: seconds, size: 3_200, 'interval-ms': 100, 'deadline-ms': 50, sync: true, ...flags })
  await load.stage('READY', 120_000)
  load.go()
  const done = await load.stage('DONE', (seconds + 60) * 1_000)
  load.go()
  await load.end()
  return done
}

async function voices(far, count, seconds) {
  const direct = await speak(`ws://127.0.0.1:${far.port}/voice`, { header: `Authorization: ${bearer}` }, count, seconds)
  const bridge = await open(far.port)
  const file = await tokens(bridge, 'voice', count)
  const spent = processor(bridge.child.pid)
  const through = await speak(entry(bridge, 'voice'), { tokens: file }, count, seconds)
  const used = (processor(bridge.child.pid) - spent) / count / seconds
  const line = ({ lat, misses, late_sends: late }) => `p50 ${ms(lat.p50_us)}, p99.9 ${ms(lat.p999_us)}, longest ${ms(lat.max_us)}; ${misses} over 50 ms, ${late} sent late`
  measured(`${count} voices directly for ${seconds} s`, line(direct))
  measured(`${count} voices through the bridge`, line(through))
  measured(`processor of one voice session`, `${(used * 1e6).toFixed(0)} µs of a core a second, handshake included`)
  check(`all messages of ${count} voices arrived in their order`, through.sent === count * seconds * 10 && through.received === through.sent,
    `${through.sent} sent, ${through.received} answered`)
  // Where they are late without the bridge, nothing was found out about it.
  check('the machine is quiet enough to judge', direct.lat.p999_us <= LATE, `p99.9 directly ${ms(direct.lat.p999_us)}`)
  check('none is late that is not late directly too', through.lat.p999_us <= Math.max(LATE, direct.lat.p999_us), `p99.9 ${ms(through.lat.p999_us)}, directly ${ms(direct.lat.p999_us)}`)
  await bridge.close()
}

await main(async () => {
  const far = await farSide(secret)
  for (const [count, seconds] of HELD) await held(far, count, seconds)
  for (const [count, seconds] of VOICES) await voices(far, count, seconds)
  await far.load.end()
})
