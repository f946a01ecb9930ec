// The Autobahn suite without the bridge and through it: nothing may differ, close codes and the closing side included. Once
// the suite is the client and an echo the upstream, once the suite is the upstream and an echo the client (R01, R02).
//
// "OK" and "NON-STRICT" count as one: which of them a broken frame behind a good one makes depends on whether the good one's
// echo is back before the break is judged. As an upstream the suite meets the bridge's judgement first: 3.2, 3.3, 4.1.3 to
// 4.1.5, 4.2.3 to 4.2.5 and 5.15 are NON-STRICT there, with the same code, the same side and no later.
//
//   node autobahn.mjs [short|long]            short: groups 1 to 7, 9 and 10, a sample of 12 and 13; long: all of them
//   node autobahn.mjs client|server CASE ...  these cases, with the suite as client or as upstream

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { WebSocket } from 'ws'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { echoUpstream } from './sockets.mjs'

const top = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
const suite = join(top, 'deploy/dev/autobahn.sh')
const out = join(process.env.CARGO_TARGET_DIR ?? join(top, 'target'), 'outside')

const PLAIN = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '10.*']
const LARGE = ['9.*']
const COMPRESSED = ['12.*', '13.*']
/** Compressed messages small and large, in one frame and in many, text and binary, each set of parameters once. */
const SAMPLE = ['12.1.[1-3]', '12.1.11', '12.2.4', '12.5.1', '13.[1-7].1', '13.2.3', '13.7.11']

const FORMS = {
  short: { client: [...PLAIN, ...LARGE, ...SAMPLE], server: [...PLAIN, ...SAMPLE] },
  long: { client: [...PLAIN, ...LARGE, ...COMPRESSED], server: [...PLAIN, ...LARGE, ...COMPRESSED] },
}

/** How long a run of the suite may take, in seconds. */
const LIMIT = 5_400
/** How long one case may take; the suite's own limit is 480 s. */
const CASE_LIMIT = 600_000

/** Every message compressed, however short; as many fragments as come. */
const generous = { perMessageDeflate: { threshold: 0 }, maxFragments: 0 }

const route = (upstream, more) => `
[routes.echo]
upstream = "${upstream}"
origins = ["*"]
callers = ["backend"]
${more}

[routes.echo.limits]
max_fragments = 0
ping_interval = "0s"  # the suite takes every pong for an answer to its own
`

const reportOf = (name) => join(out, `autobahn-${name}.json`)

/** Starts the suite; its report goes to `name`.json and is compared with the one of `expect`. */
function start(name, args, { expect, env = {} } = {}) {
  const settings = { AB_OUT: reportOf(name), AB_LIMIT: `${LIMIT}`, ...(expect && { AB_EXPECT: reportOf(expect) }), ...env }
  const child = spawn('bash', [suite, ...args], { env: { ...process.env, ...settings }, stdio: ['pipe', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill())
  const lines = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const done = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(([[code]]) => ({ code, lines }))
  return { child, reader, done }
}

/** Runs cases directly and through the bridge and judges the difference; `pair` makes one such pair of runs. */
async function compare(what, cases, pair) {
  const { direct, bridged } = await pair(cases)
  for (const line of direct.lines) measured(`${what}, direct`, line)
  for (const line of bridged.lines) measured(`${what}, bridge`, line)
  const sound = / UNIMPLEMENTED 0 FAILED 0 NOT-RUN 0 TOTAL [1-9]/
  check(`${what}: directly every case ran and none failed`, sound.test(direct.lines[0]), direct.lines[0])
  const begins = (text) => lineOf(bridged, text)
  check(`${what}: no case behaves differently`, bridged.code === 0 && begins('failing:') === 'failing: none', begins('failing:'))
  check(`${what}: every case ran through the bridge`, !bridged.lines.some((line) => line.startsWith('not run:')))
  for (const end of ['close differs:', 'side differs:']) check(`${what}: ${end} 0`, begins(end) === `${end} 0`, begins(end))
  const foreign = rewordings(what)
  check(`${what}: a reason that differs is ours`, foreign.length === 0, foreign.join(' '))
  if (onTime) await punctual(what, begins('late by'), pair)
}

const lineOf = ({ lines }, text) => lines.find((line) => line.startsWith(text))?.trim() ?? `no line "${text}"`

/** Cases whose close reason the bridge changed without it being its own. */
function rewordings(what) {
  const [direct, bridged] = ['direct', 'bridge'].map((way) => JSON.parse(readFileSync(reportOf(`${what}-${way}`), 'utf8')))
  const before = new Map(direct.map(({ case: id, reason }) => [id, reason]))
  const same = ({ case: id, reason }) => before.get(id) === reason || (reason ?? '').startsWith('tb:')
  return bridged.filter((row) => !same(row)).map((row) => row.case)
}

/** No case may end 1 s later than direct. One that did may have met a busy machine and has two more tries. */
async function punctual(what, line, pair) {
  const ids = (said) => said.split(':')[1].trim().split(' ').slice(1)
  let late = ids(line)
  for (let tries = 2; late.length > 0 && tries > 0; tries -= 1) {
    measured(`${what}, once more`, late.join(' '))
    late = ids(lineOf((await pair(late)).bridged, 'late by'))
  }
  check(`${what}: none ends 1 s later than direct`, late.length === 0, late.join(' '))
}

/** The suite's fuzzing client against an echo, and against the same echo behind the bridge. */
const asClient = (cases) =>
  compare('client', cases, async (these) => ({ direct: await knock(these), bridged: await knockAtBridge(these) }))

async function knock(cases) {
  const echo = await echoUpstream(generous)
  const said = await start('client-direct', [`${echo.url}/echo`, ...cases]).done
  echo.close()
  return said
}

/** The echo has a lock here, and every case a token of its own. */
async function knockAtBridge(cases) {
  const secret = randomBytes(24).toString('base64url')
  const echo = await echoUpstream({ value: secret, ...generous })
  const credentials = 'credentials = { headers = { x-upstream-key = "env:UPSTREAM_KEY" } }'
  const bridge = await new Bridge(route(`${echo.url}/echo`, credentials), { env: { UPSTREAM_KEY: secret } }).open()
  const minter = createServer(async (_, answer) => {
    try {
      answer.end((await bridge.mint('echo')).url)
    } catch (failure) {
      answer.writeHead(500).end(failure.message)
    }
  }).listen(0, '127.0.0.1')
  await once(minter, 'listening')
  const env = { AB_URL_FROM: `http://127.0.0.1:${minter.address().port}/` }
  const said = await start('client-bridge', ['ws://unused.invalid', ...cases], { expect: 'client-direct', env }).done
  minter.close()
  await bridge.close()
  echo.close()
  return said
}

/** The suite's fuzzing server with an echo as its client, and with the same echo behind the bridge. */
const asServer = (cases) =>
  compare('server', cases, async (these) => ({
    direct: await serve('server-direct', these, directly),
    bridged: await serve('server-bridge', these, bridged, 'server-direct'),
  }))

/** How an echo reaches the suite's server at a port: the address for a query, and what to close behind it. */
const directly = async (port) => ({ address: (query) => `ws://127.0.0.1:${port}/runCase?${query}`, close: () => {} })

async function bridged(port) {
  const bridge = await new Bridge(route(`ws://127.0.0.1:${port}/runCase`, 'query_allow = ["case", "agent"]')).open()
  return { address: async (query) => `${(await bridge.mint('echo')).url}&${query}`, close: () => bridge.close() }
}

/** Runs the suite's server and takes an echo through each of its cases, one after the other. */
async function serve(name, cases, reach, expect) {
  const { child, reader, done } = start(name, ['--serve', ...cases], { expect })
  const said = reader[Symbol.asyncIterator]()
  const hear = async (word) => {
    for (;;) {
      const { value, done: over } = await said.next()
      if (over) throw new Error(`the suite ended before it said "${word}"`)
      if (value.startsWith(word)) return value.slice(word.length + 1)
    }
  }
  const port = await hear('listening')
  const count = Number(await hear('cases'))
  const { address, close } = await reach(port)
  for (let number = 1; number <= count; number += 1) {
    await echoUntilGone(await address(`case=${number}&agent=echo`))
    await within(CASE_LIMIT, `the end of case ${number} at the suite`, hear('done'))
  }
  child.stdin.end()
  const { code, lines } = await done
  await close()
  return { code, lines: lines.filter((line) => !/^(listening|cases|done) /.test(line)) }
}

/** Echoes whatever comes until the connection is gone. */
async function echoUntilGone(url) {
  const socket = new WebSocket(url, { ...generous, maxPayload: 128 * 1024 * 1024 })
  socket.on('message', (bytes, binary) => socket.send(bytes, { binary }, () => {}))
  const gone = new Promise((resolve, reject) => {
    // A broken frame is an error, and most cases send one; its close follows.
    socket.on('error', (failure) => opened || reject(failure))
    socket.once('close', resolve)
  })
  let opened = false
  socket.once('open', () => (opened = true))
  await within(CASE_LIMIT, 'the end of a case at the client', gone)
}

/** What comes, or an error when it does not come within so many milliseconds. */
async function within(limit, what, coming) {
  let timer
  const never = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} did not come in ${limit} ms`)), limit)))
  return Promise.race([coming, never]).finally(() => clearTimeout(timer))
}

const [form = 'short', ...more] = process.argv.slice(2)
const onTime = form === 'long'
await main(async () => {
  mkdirSync(out, { recursive: true })
  const cases = FORMS[form] ?? { [form]: more }
  if (cases.client) await asClient(cases.client)
  if (cases.server) await asServer(cases.server)
})
