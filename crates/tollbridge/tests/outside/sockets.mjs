// Both far ends: an upstream that wants its header, and a bearer that connects.

import { once } from 'node:events'
import { createServer } from 'node:http'

import { WebSocket, WebSocketServer } from 'ws'

/** An echo that refuses every handshake without its header; resolves to its ws:// address. The rest is options of `ws`. */
export async function echoUpstream({ header = 'x-upstream-key', value, port = 0, ...more } = {}) {
  const http = createServer((_, answer) => answer.writeHead(426).end())
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 128 * 1024 * 1024, perMessageDeflate: false, ...more })
  http.on('upgrade', (request, socket, head) => {
    if (value !== undefined && request.headers[header] !== value) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', () => {})
      opened.on('message', (bytes, binary) => opened.send(bytes, { binary }))
    })
  })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return { url: `ws://127.0.0.1:${http.address().port}`, close: () => http.close().closeAllConnections() }
}

/** Why a connection was refused: an HTTP status, or a close code with its reason. */
export class Refused extends Error {
  constructor(code, slug) {
    super(`${code} ${slug}`)
    this.code = code
    this.slug = slug
  }
}

const slugOf = (reason) => /^tb:([a-z0-9_]+)/.exec(reason)?.[1] ?? reason

/** Opens a socket that keeps what it hears; throws `Refused` where the handshake ended in an HTTP status. */
export async function connect(url, { origin, protocols = [], limit = 15_000, ...options } = {}) {
  const socket = new WebSocket(url, protocols, { origin, perMessageDeflate: false, handshakeTimeout: limit, ...options })
  socket.inbox = new Inbox(socket)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', async (_, answer) => {
      let text = ''
      for await (const more of answer.setEncoding('utf8')) text += more
      reject(new Refused(answer.statusCode, codeOf(text)))
    })
  })
  return socket
}

/** The slug of a problem document, or how the text begins where it is none. */
function codeOf(text) {
  try {
    return JSON.parse(text).code
  } catch {
    return text.slice(0, 80)
  }
}

/** Messages in their order, kept from the first byte on, and the end behind them. */
class Inbox {
  #messages = []
  #end
  #wake = () => {}

  constructor(socket) {
    socket.binaryType = 'nodebuffer'
    socket.on('error', () => {}) // its close follows
    socket.on('message', (bytes) => this.#arrive(() => this.#messages.push(bytes)))
    socket.on('close', (code, reason) => this.#arrive(() => (this.#end = new Refused(code, slugOf(String(reason))))))
  }

  #arrive(keep) {
    keep()
    this.#wake()
  }

  /** The next message as bytes; throws the end as `Refused`, or that nothing came. */
  async next(limit = 10_000) {
    const deadline = Date.now() + limit
    while (this.#messages.length === 0) {
      if (this.#end) throw this.#end
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no message within ${limit} ms`)
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => resolve(clearTimeout(timer))
      })
    }
    return this.#messages.shift()
  }

  /** Waits for the close. */
  async end(limit = 10_000) {
    for (;;) {
      try {
        await this.next(limit)
      } catch (failure) {
        if (failure instanceof Refused) return failure
        throw failure
      }
    }
  }
}

/** Closes politely and waits for the other side. */
export async function leave(socket) {
  if (socket.readyState !== WebSocket.CLOSED) socket.close(1000)
  return socket.inbox.end()
}

/** Connects, sends a text, expects the same text back, leaves. */
export async function echoOnce(url, text, options) {
  const socket = await connect(url, options)
  try {
    socket.send(text)
    const said = String(await socket.inbox.next())
    if (said !== text) throw new Error(`sent ${text}, heard ${said}`)
  } catch (failure) {
    socket.terminate()
    throw failure
  }
  await leave(socket)
}
