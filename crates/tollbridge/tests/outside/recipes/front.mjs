// One origin for an application and Tollbridge, as the proxy of mode B makes it: `/v1/` leads to Tollbridge.

import { once } from 'node:events'
import { createServer, request } from 'node:http'

export class Front {
  /** What was answered, as `METHOD /path STATUS`. */
  answered = []

  /** Listens; `app` and `bridge` are to be set before anybody comes. */
  static async start() {
    const front = new Front()
    front.server = createServer((incoming, outgoing) => front.#pass(incoming, outgoing))
    front.server.on('upgrade', (incoming, socket, head) => front.#upgrade(incoming, socket, head))
    front.server.listen(0, '127.0.0.1')
    await once(front.server, 'listening')
    front.url = `http://127.0.0.1:${front.server.address().port}`
    return front
  }

  close() {
    this.server.close().closeAllConnections()
  }

  #asked({ method, headers, url }) {
    const target = url.startsWith('/v1/') ? this.bridge : this.app
    return request(new URL(url, target), { method, headers, agent: false })
  }

  #pass(incoming, outgoing) {
    const asked = this.#asked(incoming)
    asked.once('response', (answer) => {
      this.answered.push(`${incoming.method} ${incoming.url.split('?')[0]} ${answer.statusCode}`)
      answer.pipe(outgoing.writeHead(answer.statusCode, answer.rawHeaders))
    })
    asked.once('error', () => outgoing.destroy())
    incoming.pipe(asked)
  }

  #upgrade(incoming, socket, head) {
    const asked = this.#asked(incoming)
    asked.once('upgrade', (answer, further, first) => {
      const lines = []
      for (let at = 0; at < answer.rawHeaders.length; at += 2) lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
      socket.write(first)
      further.write(head)
      for (const [one, other] of [[socket, further], [further, socket]]) one.on('error', () => other.destroy()).pipe(other)
    })
    asked.once('response', (answer) => {
      socket.end(`HTTP/1.1 ${answer.statusCode} Refused\r\nConnection: close\r\n\r\n`)
    })
    asked.once('error', () => socket.destroy())
    asked.end()
  }
}
