// Sides that stop taking bytes: clients that do not read while their upstream floods, and an upstream that does not read
// uploads. The bridge must not hold what they do not take, must give them up by name, and nobody else may notice.
//
//   node stall.mjs [short|long]

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { allGone, entry, events, kernel, kib, Load, memory, metric, metrics, mib, ms, tokens } from './load.mjs'
import { freePort } from './ports.mjs'

const long = process.argv[2] === 'long'
const STALLED = long ? 100 : 20
const WITNESSES = long ? 50 : 10
/** The route's write_timeout in seconds. */
const PATIENCE = long ? 10 : 2
const BEFORE = long ? 10 : 2
/** What the bridge may hold for one session that does not take, in bytes. */
const HOLD = 256 * 1024

const route = (name, port) => `
[routes.${name}]
upstream = "ws://127.0.0.1:${port}/${name}"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { authorization = "env:UPSTREAM_BEARER" } }
limits = { write_timeout = "${PATIENCE}s" }
`

async function stall(secret, up) {
  const port = await freePort()
  const path = up ? 'deaf' : 'flood'
  const side = up ? 'upstream' : 'client'
  const bridge = await new Bridge(route(path, port) + route('echo', port), { env: { UPSTREAM_BEARER: `Bearer ${secret}` }, level: 'info' }).open()
  const { pid } = bridge.child
  const load = new Load('stall', {
    listen: `127.0.0.1:${port}`, secret, conns: STALLED, witnesses: WITNESSES, before: BEFORE, sync: true, ...(up && { up }),
    url: entry(bridge, path), tokens: await tokens(bridge, path, STALLED),
    'witness-url': entry(bridge, 'echo'), 'witness-tokens': await tokens(bridge, 'echo', WITNESSES),
  })
  await load.stage('UP')
  load.go()
  await load.stage('CALM')
  const [before, queues] = [memory(pid), kernel().tcp]
  load.go()
  await load.stage('FLOOD')
  let [most, mostQueues] = [before, queues]
  const given = async () => metric(await metrics(bridge), 'tollbridge_sessions_closed_total', ['code="write_timeout"', `initiator="${side}"`])
  const began = Date.now()
  for (let count = 0; count < STALLED && Date.now() - began < (PATIENCE + 30) * 1_000; await pause(100)) {
    most = Math.max(most, memory(pid))
    mostQueues = Math.max(mostQueues, kernel().tcp)
    count = await given()
  }
  const took = Date.now() - began
  load.go()
  const done = await load.stage('DONE', 60_000)
  const closed = events(bridge, 'session.closed').filter(({ reason, initiator }) => reason === 'write_timeout' && initiator === side)

  const name = up ? 'an upstream that does not read' : 'clients that do not read'
  measured(`${name}: ${STALLED}, given up within`, `${(took / 1000).toFixed(1)} s, write_timeout ${PATIENCE} s; they read ${JSON.stringify(done.ends)}`)
  measured('memory of the bridge', `${mib(before)}, at most ${mib(most)}; queues in the kernel ${mib(queues)}, at most ${mib(mostQueues)}`)
  measured('witnesses', `before p50 ${ms(done.before.p50_us)}, p99 ${ms(done.before.p99_us)}; during p50 ${ms(done.during.p50_us)}, p99 ${ms(done.during.p99_us)}`)
  check(`${name}: the bridge holds little for each`, (most - before) / STALLED < HOLD, kib((most - before) / STALLED))
  check(`${name}: each ends with write_timeout`, await given() === STALLED && closed.length === STALLED, `${await given()} counted, ${closed.length} logged`)
  check(`${name}: the others go on`, done.witnesses_lost === 0 && done.during.n > 0, `${done.during.n} echoes, lost ${JSON.stringify(done.why)}`)
  if (up) check(`${name}: each client is told`, done.ends['4408 write_timeout'] === STALLED, JSON.stringify(done.ends))
  else check(`${name}: each connection is over`, done.ends.open === undefined, JSON.stringify(done.ends))
  const left = await allGone(bridge)
  check(`${name}: nobody is left`, left.active === 0 && left.listed === 0, `${left.active} active, ${left.listed} listed`)
  await load.end()
  await bridge.close()
}

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  await stall(secret, false)
  await stall(secret, true)
})
