// Stands between Tollbridge and what it asks: passes on, counts, and misbehaves when told to.

import { once } from 'node:events'
import { createServer, request } from 'node:http'

export class Between {
  /** Listens at a free port and passes everything on to `target`, once there is one. */
  static async start(target) {
    const between = new Between()
    between.target = target
    await between.revive()
    between.url = `http://127.0.0.1:${between.port}`
    return between
  }

  /** What came, as `METHOD /path`; how many are open, and how many were at once. */
  asked = []
  open = 0
  most = 0
  /** Instead of passing on: `(request, response) => …`. */
  mood = undefined

  /** Listens, again at the same port where it did before. */
  async revive() {
    this.server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing))
    this.server.listen(this.port ?? 0, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = this.server.address().port
  }

  /** Stops listening: from here on connections are refused. */
  async die() {
    const gone = once(this.server, 'close')
    this.server.close().closeAllConnections()
    await gone
  }

  /** Does something while in this mood. */
  async during(mood, act) {
    this.mood = mood
    try {
      return await act()
    } finally {
      this.mood = undefined
    }
  }

  /** Does something while nobody listens. */
  async gone(act) {
    await this.die()
    try {
      return await act()
    } finally {
      await this.revive()
    }
  }

  /** How many questions came whose path ends so. */
  count(path) {
    return this.asked.filter((line) => line.endsWith(path)).length
  }

  async close() {
    if (this.server.listening) await this.die()
  }

  #serve(incoming, outgoing) {
    this.asked.push(`${incoming.method} ${incoming.url}`)
    this.open += 1
    this.most = Math.max(this.most, this.open)
    outgoing.once('close', () => (this.open -= 1))
    if (this.mood) return this.mood(incoming, outgoing)
    this.pass(incoming, outgoing)
  }

  /** To the target, at another path if one is given; `change` may rewrite a JSON answer. */
  pass(incoming, outgoing, { path = incoming.url, change } = {}) {
    const options = { method: incoming.method, headers: incoming.headers, agent: false }
    const passed = request(new URL(path, this.target), options, async (answer) => {
      if (!change) return answer.pipe(outgoing.writeHead(answer.statusCode, answer.rawHeaders))
      let text = ''
      for await (const more of answer.setEncoding('utf8')) text += more
      outgoing.writeHead(answer.statusCode, { 'content-type': 'application/json' }).end(JSON.stringify(change(JSON.parse(text))))
    })
    passed.once('error', () => outgoing.destroy())
    incoming.pipe(passed)
  }
}

/** What others are seen to do when they are not well. */
export const moods = {
  status: (status, headers = {}) => (_, outgoing) => outgoing.writeHead(status, headers).end(),
  redirect: (location, headers = {}) => moods.status(302, { location, ...headers }),
  /** Takes the question and says nothing. */
  silence: () => () => {},
  /** A good beginning, and then more than anybody reads. */
  flood: (bytes, headers = {}) => (_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'application/json', ...headers }).write('{"id":"')
    const piece = 'x'.repeat(64 * 1024)
    let left = bytes
    const more = () => {
      while (left > 0 && !outgoing.destroyed) {
        left -= piece.length
        if (!outgoing.write(piece)) return outgoing.once('drain', more)
      }
      outgoing.end('"}')
    }
    more()
  },
}
