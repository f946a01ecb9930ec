// What surrounds an exchange in its page: the sockets that the SDK opens are watched, and what the SDK says is kept.
// It must be imported before the SDK, because some take hold of `WebSocket` while they load.

/** How long a packet of sound lasts, and how long an exchange may, in milliseconds. */
const PACKET = 100
const LIMIT = 20_000

/** The sockets in the order of their opening, as `{ url, protocols, … }`. */
const sockets = []
let closed
const closing = new Promise((resolve) => (closed = resolve))

/** Chromium's own class; it only takes notes. */
globalThis.WebSocket = class extends WebSocket {
  #note = { sent: 0, received: 0 }

  constructor(...args) {
    super(...args)
    const note = Object.assign(this.#note, { url: this.url, protocols: [args[1] ?? []].flat() })
    sockets.push(note)
    this.addEventListener('open', () => (note.selected = this.protocol))
    this.addEventListener('message', () => (note.received += 1))
    this.addEventListener('close', ({ code, reason }) => {
      note.close = { code, reason }
      closed()
    })
  }

  send(data) {
    this.#note.sent += 1
    super.send(data)
  }
}

/** The packets one after the other, at the pace of speech. */
async function* paced(packets) {
  const began = performance.now()
  for (const [index, packet] of packets.entries()) {
    const due = began + index * PACKET
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    yield packet
  }
}

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

/** Bytes as base64 text. */
export const base64 = (packet) => btoa(String.fromCharCode(...packet))

/** Runs an exchange, or only until its socket closes: `{ sockets, events, errors }`; `packets` are base64. */
export async function run(exchange, { packets, untilClosed, ...given }) {
  const [events, errors] = [[], []]
  const heard = {
    event: (name) => events.push(name),
    error: (what) => errors.push(String(what?.message ?? what)),
    closed: closing,
  }
  const sound = () => paced(packets.map(bytes))
  const done = exchange({ ...given, sound, heard }).catch(heard.error)
  const late = new Promise((resolve) => setTimeout(resolve, LIMIT, LIMIT))
  const ended = await Promise.race([untilClosed ? closing : done, late])
  if (ended === LIMIT) heard.error(`not complete after ${LIMIT} ms`)
  return { sockets, events, errors }
}
