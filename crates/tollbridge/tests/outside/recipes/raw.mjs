// Requests byte for byte, as no client library would send them, and all that comes back.

import { connect as plain } from 'node:net'
import { connect as secure } from 'node:tls'

/** How long one answer may take, in milliseconds: longer than the slowest proxy waits for its login. */
const LIMIT = 45_000

/** A request as text. `lines` are header fields as they go on the wire, `body` gets its length unless `framed`. */
export function request({ method = 'POST', target = '/v1/tokens', version = '1.1', host, lines = [], body = '', ...how }) {
  const { framed = false, type = 'application/json' } = how
  const said = [`${method} ${target} HTTP/${version}`, `Host: ${host}`]
  if (!lines.some((line) => /^connection\s*:/i.test(line))) said.push('Connection: close')
  if (type) said.push(`Content-Type: ${type}`)
  if (!framed) said.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return `${[...said, ...lines].join('\r\n')}\r\n\r\n${body}`
}

/**
 * Sends bytes and reads the first answer. `linger` reads on for so many milliseconds more, or to the end: `all` is then
 * every answer there was.
 */
export function send(bytes, { port, from, tls, linger = 0 }) {
  const at = { host: '127.0.0.1', port, localAddress: from }
  return new Promise((resolve, reject) => {
    const socket = tls ? secure({ ...at, ...tls }) : plain(at)
    let heard = Buffer.alloc(0)
    let waiting
    const done = () => {
      clearTimeout(limit)
      clearTimeout(waiting)
      socket.destroy()
      resolve({ ...parse(heard.toString('latin1')), all: heard.toString('latin1') })
    }
    const limit = setTimeout(() => reject(socket.destroy() && new Error(`no answer within ${LIMIT} ms`)), LIMIT)
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(bytes, 'latin1'))
    socket.on('data', (more) => {
      heard = Buffer.concat([heard, more])
      if (!parse(heard.toString('latin1')).whole) return
      if (linger === 0) return done()
      waiting ??= setTimeout(done, linger)
    })
    socket.on('error', done) // a reset is an answer, too
    socket.on('close', done)
  })
}

/** How many requests are under way at once: the login lives in this process, and the proxies give it two seconds. */
const AT_ONCE = 8

/** Does something for each row, a few at a time; what came of them in the rows' order. */
export async function few(rows, act) {
  const left = [...rows.entries()]
  const done = []
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) done[next[0]] = await act(next[1])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return done
}

/** The first answer: `{ status, headers, body, whole }`; status 0 where there is none. */
function parse(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return { status: 0, headers: {}, body: '', whole: false }
  const [first, ...lines] = text.slice(0, end).split('\r\n')
  const headers = {}
  for (const line of lines) {
    const at = line.indexOf(':')
    const name = line.slice(0, at).toLowerCase()
    headers[name] = name in headers ? `${headers[name]}, ${line.slice(at + 1).trim()}` : line.slice(at + 1).trim()
  }
  const rest = text.slice(end + 4)
  const status = Number(first.split(' ')[1])
  return { status, headers, ...bodyOf(rest, headers, status) }
}

function bodyOf(rest, headers, status) {
  if (status === 204 || status === 101) return { body: '', whole: true }
  if (headers['transfer-encoding'] === 'chunked') return unchunk(rest)
  const length = Number(headers['content-length'] ?? Infinity)
  return { body: rest.slice(0, length), whole: rest.length >= length }
}

function unchunk(rest) {
  let body = ''
  for (;;) {
    const line = rest.indexOf('\r\n')
    if (line < 0) return { body, whole: false }
    const size = parseInt(rest.slice(0, line), 16)
    if (size === 0) return { body, whole: rest.includes('\r\n\r\n') }
    body += rest.slice(line + 2, line + 2 + size)
    rest = rest.slice(line + 2 + size + 2)
  }
}
