// SIGTERM in front of thousands of open sessions, some in the middle of big messages: each is told, none is cut in a frame,
// and the process is gone within its window.
//
//   node drain.mjs [short|long]

import { randomBytes } from 'node:crypto'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { entry, events, Load, tokens } from './load.mjs'
import { freePort } from './ports.mjs'

const long = process.argv[2] === 'long'
const [SESSIONS, STREAMS, WINDOW] = long ? [5_000, 100, 20] : [300, 20, 4]
/** What the process may take beyond the window, in seconds. */
const GRACE = 5

const route = (name, port) => `
[routes.${name}]
upstream = "ws://127.0.0.1:${port}/${name}"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { authorization = "env:UPSTREAM_BEARER" } }
`

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  const port = await freePort()
  const bridge = await new Bridge(route('echo', port) + route('stream', port), {
    env: { UPSTREAM_BEARER: `Bearer ${secret}` },
    level: 'info',
    server: `max_sessions = 20000\ndrain_window = "${WINDOW}s"`,
  }).open()
  const load = new Load('drain', {
    listen: `127.0.0.1:${port}`, secret, conns: SESSIONS - STREAMS, streams: STREAMS, sync: true,
    url: entry(bridge, 'echo'), tokens: await tokens(bridge, 'echo', SESSIONS - STREAMS),
    'stream-url': entry(bridge, 'stream'), 'stream-tokens': await tokens(bridge, 'stream', STREAMS),
  })
  const up = await load.stage('UP', 120_000)
  check('all are open', up.open === SESSIONS, `${up.open}`)
  load.go()
  const began = Date.now()
  const code = await bridge.end('SIGTERM')
  const took = (Date.now() - began) / 1000
  const done = await load.stage('DONE', 150_000)
  const [{ cut } = {}] = events(bridge, 'drain.finished')
  measured('ends', `${JSON.stringify(done.ends)}; the first after ${done.first_ms} ms, half after ${done.middle_ms}, the last after ${done.last_ms}`)
  measured('messages that streamed', done.messages)
  check('each reads 1012 draining', done.ends['1012 draining'] === SESSIONS, JSON.stringify(done.ends))
  check('nothing is cut in the middle of a frame', done.torn === 0, `${done.torn} torn`)
  check('the process exits with 0 within the window and its grace', code === 0 && took <= WINDOW + GRACE, `${code} after ${took.toFixed(1)} s, window ${WINDOW} s`)
  check('nobody had to be cut', cut === 0, `${cut} cut`)
  await bridge.silent()
})
