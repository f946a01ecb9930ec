// Attacks whose damage is time: it is measured here and has no place in CI. Each check carries the id of its case in the
// catalogue of attacks: M04, M08, B18, B26, B27, B28, R08.
//
// M08 deviates: there is no limiter of bad keys per address (a key has 256 random bits, and a wrong one costs no look-up
// worth the name), so no 429 is asked for, only that a refusal is cheap and that honest callers keep their latency.
//
//   node attack.mjs [short|long]

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect as tcp } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { descriptors, memory, mib, processor, settled } from './load.mjs'
import { connect, echoOnce, echoUpstream, leave } from './sockets.mjs'
import { apart, resealed, spread } from './timing.mjs'

const long = process.argv[2] !== 'short'
const TRIES = long ? 20_000 : 2_000
const SLOW = long ? 2_000 : 200
const PONGS = (long ? 64 : 16) * 1e6
const CUT = long ? 100_000 : 4_000
/** A difference of means beyond this many standard errors is no noise (Welch's t). */
const NOISE = 4.5

const route = (name, upstream) => `
[routes.${name}]
upstream = "${upstream}/echo"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { x-upstream-key = "env:UPSTREAM_KEY" } }
limits = { ping_interval = "1s" }
`

/** One request over a kept connection: status, body, microseconds. */
function ask(agent, base, path, options = {}, body) {
  const began = process.hrtime.bigint()
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, base), { agent, ...options }, async (answer) => {
      let text = ''
      for await (const more of answer.setEncoding('utf8')) text += more
      resolve({ status: answer.statusCode, text, took: Number(process.hrtime.bigint() - began) / 1000 })
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }

/** The answers' times by name, asked in turns so that a busy moment meets all alike. */
async function inTurns(kinds, tries, act) {
  const times = new Map(kinds.map(([name]) => [name, []]))
  const answers = new Map()
  for (let turn = 0; turn < tries + 200; turn += 1) {
    for (let at = 0; at < kinds.length; at += 1) {
      const [name, what] = kinds[(at + turn) % kinds.length]
      const { status, text, took } = await act(what)
      if (turn >= 200) times.get(name).push(took)
      answers.set(name, `${status} ${text.replace(/"(request_id|instance)":"[^"]*"/g, '')}`)
    }
  }
  return { times, answers }
}

const mintWith = (agent, bridge) => (key) => ask(agent, bridge.public, '/v1/tokens',
  { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }, '{"route":"echo"}')

async function keysByTime(bridge) {
  const key = bridge.mintKey
  const kinds = [['unknown id', resealed(key, 6)], ['wrong from its first character', resealed(key, 17)], ['wrong at its last', resealed(key, 59)]]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { times, answers } = await inTurns(kinds, TRIES, mintWith(agent, bridge))
  agent.destroy()
  const [first, ...others] = kinds.map(([name]) => name)
  const t = others.map((name) => apart(times.get(first), times.get(name)))
  measured('M04 medians', kinds.map(([name]) => `${name} ${spread(times.get(name)).median.toFixed(1)} µs`).join(', '))
  check('M04 a wrong key tells nothing by its time', t.every((value) => Math.abs(value) < NOISE), `Welch t ${t.map((value) => value.toFixed(2)).join(', ')}`)
  check('M04 nor by its answer', new Set(answers.values()).size === 1, [...new Set(answers.values())].map((text) => text.slice(0, 60)).join(' | '))
}

async function floodOfKeys(bridge) {
  const honest = async (seconds) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const took = []
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(10)) took.push((await mintWith(agent, bridge)(bridge.mintKey)).took)
    agent.destroy()
    return spread(took)
  }
  const before = await honest(3)
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const bad = resealed(bridge.mintKey, 20)
  const [spent, end] = [processor(bridge.child.pid), Date.now() + 5_000]
  let refused = 0
  const flood = (async () => {
    for (let tick = Date.now(); tick < end; await pause(10)) {
      const due = Math.min(50, Math.round((Date.now() - tick)))
      tick = Date.now()
      const answers = await Promise.all(Array.from({ length: Math.max(10, due) }, () => mintWith(agent, bridge)(bad)))
      refused += answers.filter(({ status }) => status === 401 || status === 429).length
    }
  })()
  const during = await honest(4.5)
  await flood
  agent.destroy()
  const each = (processor(bridge.child.pid) - spent) / refused * 1e6
  measured('M08 refusals', `${(refused / 5).toFixed(0)} a second, honest mints included ${each.toFixed(0)} µs of a core each`)
  measured('M08 honest mints', `p99 ${(before.p99 / 1000).toFixed(2)} ms before, ${(during.p99 / 1000).toFixed(2)} ms during`)
  check('M08 a refusal costs under a millisecond of a core', each < 1000, `${each.toFixed(0)} µs`)
  check('M08 honest callers go on', during.p99 < Math.max(2 * before.p99, 20_000), `p99 ${(during.p99 / 1000).toFixed(2)} ms`)
}

async function tokensByTime(bridge, other) {
  const { token } = await bridge.mint('echo', { redeem_within: 600 })
  const [head, claims, mark] = token.split('.')
  const seal = (object) => Buffer.from(JSON.stringify(object)).toString('base64url')
  const plain = JSON.parse(Buffer.from(head, 'base64url'))
  const said = JSON.parse(Buffer.from(claims, 'base64url'))
  const flipped = `${mark[0] === 'A' ? 'B' : 'A'}${mark.slice(1)}`
  const kinds = [
    ['bad signature', `${head}.${claims}.${flipped}`],
    ['unknown kid', `${seal({ ...plain, kid: 'A'.repeat(plain.kid.length) })}.${claims}.${mark}`],
    ['wrong alg', `${seal({ ...plain, alg: 'HS256' })}.${claims}.${mark}`],
    ['wrong typ', `${seal({ ...plain, typ: 'at+jwt' })}.${claims}.${mark}`],
    ['wrong iss', `${head}.${seal({ ...said, iss: 'https://x' })}.${mark}`],
    ['wrong aud', `${head}.${seal({ ...said, aud: 'https://x' })}.${mark}`],
    ['another bridge\'s', other],
  ]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { times, answers } = await inTurns(kinds, TRIES / 10, (wrong) => ask(agent, bridge.public, `/v1/bridge/echo?token=${wrong}`, { headers: upgrade }))
  agent.destroy()
  const medians = kinds.map(([name]) => spread(times.get(name)).median)
  measured('B18 medians', kinds.map(([name], at) => `${name} ${medians[at].toFixed(0)} µs`).join(', '))
  check('B18 medians are within 2 ms', Math.max(...medians) - Math.min(...medians) < 2_000, `${(Math.max(...medians) - Math.min(...medians)).toFixed(0)} µs apart`)
  check('B18 one answer for all', new Set(answers.values()).size === 1, [...new Set(answers.values())].map((text) => text.slice(0, 80)).join(' | '))
}

/** Opens a plain connection, or one that is known to be refused. */
const dial = (bridge) => {
  const { hostname, port } = new URL(bridge.public)
  const socket = tcp(Number(port), hostname)
  socket.on('error', () => {})
  return socket
}

async function slowHeads(bridge) {
  const head = `GET /v1/bridge/echo HTTP/1.1\r\nHost: x\r\nX-Slow: ${'s'.repeat(1_000)}`
  const began = Date.now()
  const ends = Array.from({ length: SLOW }, () => new Promise((resolve) => {
    const socket = dial(bridge)
    let sent = 0
    const timer = setInterval(() => socket.write(head[sent++ % head.length]), 1_000)
    socket.resume().once('close', () => resolve((clearInterval(timer), Date.now() - began)))
  }))
  await pause(1_000)
  const took = []
  for (const end = Date.now() + 3_000; Date.now() < end; await pause(20)) {
    const { url } = await bridge.mint('echo')
    const asked = performance.now()
    const socket = await connect(url)
    took.push((performance.now() - asked) * 1000)
    await leave(socket)
  }
  const gone = await Promise.race([Promise.all(ends), pause(30_000).then(() => [])])
  measured('B26 handshakes meanwhile', `p50 ${(spread(took).median / 1000).toFixed(2)} ms, p99 ${(spread(took).p99 / 1000).toFixed(2)} ms`)
  check(`B26 each of ${SLOW} slow heads is gone soon after its deadline of 5 s`, gone.length === SLOW && Math.max(...gone) < 15_000, `the last after ${Math.max(...gone)} ms`)
  check('B26 honest handshakes take under 100 ms at p99', spread(took).p99 < 100_000)
}

/** Sends bytes, piece by piece if asked; the status that comes back, or how it ended. */
function throwAt(bridge, text, piece = text.length) {
  return new Promise((resolve) => {
    const socket = dial(bridge)
    let said = ''
    const timer = setTimeout(() => socket.destroy(), 20_000)
    socket.setEncoding('latin1').on('data', (more) => (said += more))
    socket.once('close', () => resolve((clearTimeout(timer), Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0))))
    socket.once('connect', async () => {
      socket.setNoDelay(true)
      for (let at = 0; at < text.length && !socket.destroyed; at += piece) {
        socket.write(text.slice(at, at + piece))
        if (piece < text.length) await new Promise(setImmediate)
      }
    })
  })
}

async function greatHeads(bridge) {
  const lines = Object.entries(upgrade).map(([name, value]) => `${name}: ${value}`).join('\r\n')
  const head = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\nConnection: close\r\n${more}\r\n`
  const kinds = [
    ['a header of 300 KB', head('/v1/bridge/echo', `X-Big: ${'b'.repeat(300_000)}\r\n`)],
    ['200 headers', head('/v1/bridge/echo', Array.from({ length: 200 }, (_, at) => `X-H${at}: 1\r\n`).join(''))],
    ['a URL of 64 KB', head(`/v1/bridge/echo?token=${'u'.repeat(65_000)}`)],
    ['1,000 subprotocols', head('/v1/bridge/echo', `Sec-WebSocket-Protocol: ${Array.from({ length: 1000 }, (_, at) => `protocol-${at}`).join(', ')}\r\n`)],
    ['a head byte by byte', head('/v1/bridge/echo', `X-Long: ${'l'.repeat(4_000)}\r\n`), 1],
  ]
  for (const [name, text, piece] of kinds) {
    const rounds = piece ? 5 : 40
    const spent = processor(bridge.child.pid)
    const statuses = new Set()
    for (let round = 0; round < rounds; round += 1) statuses.add(await throwAt(bridge, text, piece))
    const each = (processor(bridge.child.pid) - spent) / rounds * 1000
    check(`B27 ${name} is refused for under 50 ms of a core`, [...statuses].every((status) => [400, 401, 404, 408, 414, 431].includes(status)) && each < 50,
      `${[...statuses].join(' ')}, ${each.toFixed(2)} ms`)
  }
}

/** One handshake that is cut at a stage: after connecting, in the head, behind the head, behind the 101. */
async function cutAt(bridge, stage, valid) {
  const socket = dial(bridge)
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  const path = valid ? new URL(valid).pathname + new URL(valid).search : '/v1/bridge/echo?token=e30.e30.AAAA'
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\n${Object.entries(upgrade).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  if (stage > 0) await new Promise((resolve) => socket.write(stage === 1 ? head.slice(0, 60) : head, resolve))
  if (stage === 3) await new Promise((resolve) => socket.once('data', resolve).once('close', resolve))
  socket.resetAndDestroy()
}

async function cutHandshakes(bridge) {
  const { pid } = bridge.child
  const run = async (count) => {
    let left = count
    const lane = async () => {
      while ((left -= 1) >= 0) await cutAt(bridge, left % 4, left % 8 > 5 ? (await bridge.mint('echo')).url : undefined)
    }
    await Promise.all(Array.from({ length: 32 }, lane))
    await pause(8_000) // until the connections that were kept for minting are given up
  }
  await run(CUT / 10)
  const before = { fds: await settled(pid), pss: memory(pid) }
  await run(CUT)
  const after = { fds: await settled(pid), pss: memory(pid) }
  check(`B28 ${CUT} handshakes cut at every stage leave no descriptor`, after.fds <= before.fds + 2, `${before.fds}, then ${after.fds}`)
  check('B28 nor memory', after.pss < before.pss * 1.5, `${mib(before.pss)}, then ${mib(after.pss)}; ${descriptors(pid)} descriptors`)
}

/** Answers one ping of the bridge's without end, beside as many pongs that are for the upstream. */
async function endlessPongs(bridge) {
  const socket = await connect((await bridge.mint('echo')).url)
  const [ping] = await once(socket, 'ping')
  const other = Buffer.from(ping).fill(0)
  const pongs = (payload) => {
    const frame = Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload])
    return Buffer.concat(Array(Math.ceil(PONGS / frame.length)).fill(frame))
  }
  const cost = async (bytes) => {
    const spent = processor(bridge.child.pid)
    socket._socket.write(bytes)
    socket.send('behind them')
    await socket.inbox.next(60_000)
    return (processor(bridge.child.pid) - spent) * 1000 / (bytes.length / 1e6)
  }
  await cost(pongs(other))
  const [passed, swallowed] = [await cost(pongs(other)), await cost(pongs(Buffer.from(ping)))]
  await leave(socket)
  check('R08 pongs that are swallowed cost no more than three times those that pass', swallowed < 3 * passed + 1, `${swallowed.toFixed(1)} and ${passed.toFixed(1)} ms of a core for a megabyte`)
}

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  const upstream = await echoUpstream({ value: secret })
  const make = () => new Bridge(route('echo', upstream.url), { env: { UPSTREAM_KEY: secret }, level: 'error' }).open()
  const [bridge, stranger] = [await make(), await make()]
  const { token } = await stranger.mint('echo', { redeem_within: 600 })
  await keysByTime(bridge)
  await floodOfKeys(bridge)
  await tokensByTime(bridge, token)
  await slowHeads(bridge)
  await greatHeads(bridge)
  await endlessPongs(bridge)
  await cutHandshakes(bridge)
  await echoOnce((await bridge.mint('echo')).url, 'still here')
  await stranger.close()
  await bridge.close()
  upstream.close()
})
