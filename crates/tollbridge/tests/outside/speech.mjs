// Real speech in packets of 200 ms at real pace through the bridge: as Doubao's binary frames and as Azure Voice Live's JSON,
// to strict stand-ins. What arrives there, and what comes back, is compared by SHA-256.
//
//   node speech.mjs [SECONDS]

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { connect, Refused } from './sockets.mjs'
import { audio, fullRequest, packets, read, speech } from './sound.mjs'

const seconds = Number(process.argv[2] ?? 6)
const PACKET = 200
const standinsBinary = process.env.STANDINS_BIN ?? 'target/debug/examples/standins'

const routes = ({ doubao, azure }) => `
[routes.doubao]
upstream = "${doubao}"
origins = ["https://app.example.com"]
callers = ["backend"]
keep_response_headers = ["X-Tt-Logid"]

[routes.doubao.credentials.headers]
X-Api-App-Key = "env:DOUBAO_APP"
X-Api-Access-Key = "env:DOUBAO_ACCESS"
X-Api-Resource-Id = { plain = "volc.bigasr.sauc.duration" }
X-Api-Connect-Id = "{uuid}"

[routes.azure]
upstream = "${azure}?api-version=2025-10-01&model={model}"
origins = ["https://app.example.com"]
callers = ["backend"]
query_allow = ["client-request-id"]
params.model = { default = "gpt-realtime", allow = ["gpt-realtime", "gpt-4o"] }
credentials = { headers = { api-key = "env:AZURE_KEY" } }
`

/** The stand-ins' process: their addresses, and a report on request. */
async function standins() {
  const child = spawn(standinsBinary, { stdio: ['pipe', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const urls = {}
  while (Object.keys(urls).length < 3) {
    const { value, done } = await lines.next()
    if (done) throw new Error('the stand-ins did not start')
    const [name, url] = value.split(' ')
    urls[name] = url
  }
  return {
    urls,
    async report() {
      child.stdin.write('report\n')
      return JSON.parse((await lines.next()).value)
    },
    async close() {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

/** A running sum over messages in their order. */
class Sum {
  #hash = createHash('sha256')
  messages = 0

  add(bytes) {
    this.#hash.update(bytes)
    this.messages += 1
    return bytes
  }

  hex = () => this.#hash.copy().digest('hex')
}

/** Calls `send` for each packet, 200 ms apart by the clock, not by the sum of the pauses. */
async function paced(pieces, send) {
  const began = performance.now()
  for (const [index, piece] of pieces.entries()) {
    const due = began + index * PACKET
    await pause(Math.max(0, due - performance.now()))
    send(piece, index)
  }
}

async function open(bridge, route) {
  const { url } = await bridge.mint(route)
  return connect(url, { origin: 'https://app.example.com' })
}

/** Everything that a socket still hears until it closes, into `heard`; returns the end. */
async function drained(socket, heard, each = () => {}) {
  for (;;) {
    try {
      each(heard.add(await socket.inbox.next(30_000)))
    } catch (failure) {
      if (failure instanceof Refused) return failure
      throw failure
    }
  }
}

async function doubao(bridge, pcm) {
  const [said, heard, sound] = [new Sum(), new Sum(), new Sum()]
  const socket = await open(bridge, 'doubao')
  const send = (bytes) => socket.send(said.add(bytes))
  send(fullRequest())
  read(heard.add(await socket.inbox.next())) // the vendor's demos wait for this before they send sound
  const pieces = packets(pcm, PACKET)
  let last
  const answers = drained(socket, heard, (bytes) => (last = read(bytes)))
  await paced(pieces, (piece, index) => {
    const sequence = index + 2
    send(audio(sound.add(piece), index === pieces.length - 1 ? -sequence : sequence))
  })
  const { code } = await answers
  measured('doubao', `${said.messages} frames up, ${heard.messages} down`)
  check('doubao answers to the end', last.last && code === 1000, `${last.said.audio_info.duration} ms recognised, close ${code}`)
  return { said, heard, sound }
}

async function azure(bridge, pcm) {
  const [said, heard, sound] = [new Sum(), new Sum(), new Sum()]
  const socket = await open(bridge, 'azure')
  const send = (event) => socket.send(said.add(JSON.stringify(event)))
  const first = JSON.parse(heard.add(await socket.inbox.next()))
  check('azure speaks first', first.type === 'session.created' && first.session.model === 'gpt-realtime', first.type)
  let last
  const answers = drained(socket, heard, (bytes) => {
    last = JSON.parse(bytes)
    if (last.type === 'response.done') socket.close(1000)
  })
  send({ type: 'session.update', session: { input_audio_format: 'pcm16', input_audio_sampling_rate: 16_000 } })
  await paced(packets(pcm, PACKET), (piece) => send({ type: 'input_audio_buffer.append', audio: sound.add(piece).toString('base64') }))
  send({ type: 'input_audio_buffer.commit' })
  send({ type: 'response.create' })
  const { code } = await answers
  measured('azure', `${said.messages} events up, ${heard.messages} down`)
  check('azure answers to the end', last.type === 'response.done' && code === 1000, `${last.type}, close ${code}`)
  return { said, heard, sound }
}

/** The stand-in's sums against ours. */
function equal(name, [dial, ...others], { said, heard, sound }) {
  check(`${name} was dialled once`, others.length === 0 && dial.answered === 101, `${1 + others.length} dials`)
  const rows = [['what was sent', dial.received, said], ['what came back', dial.sent, heard], ['the sound', dial.audio, sound]]
  for (const [what, theirs, ours] of rows) {
    check(`${name}: ${what} is the same, byte for byte`, theirs.sha256 === ours.hex(), `${theirs.bytes} bytes, ${theirs.sha256.slice(0, 16)}…`)
  }
}

await main(async () => {
  const upstreams = await standins()
  const env = { DOUBAO_APP: 'standin-app', DOUBAO_ACCESS: 'standin-access', AZURE_KEY: 'standin-key' }
  const bridge = await new Bridge(routes(upstreams.urls), { env }).open()
  const pcm = await speech(seconds)
  measured('speech', `${seconds} s, ${pcm.length} bytes, packets of ${PACKET} ms`)
  const began = Date.now()
  const [one, other] = await Promise.all([doubao(bridge, pcm), azure(bridge, pcm)])
  measured('at real pace', `${((Date.now() - began) / 1000).toFixed(1)} s`)
  const report = await upstreams.report()
  equal('doubao', report.doubao, one)
  equal('azure', report.azure, other)
  await upstreams.close()
  await bridge.close()
})
