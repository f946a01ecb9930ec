// The application that a proxy asks: its own login, its own sessions, one endpoint that says who somebody is.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

const PASSWORD = 'open sesame'
const RENEWED = 'Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=1800'

/** How `GET /auth` can go wrong, by name; each answers in place of the application. */
const FAULTS = {
  page: (_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<form>Log in</form>'),
  redirect: (_, answer) => answer.writeHead(302, { location: '/login' }).end(),
  broken: (_, answer) => answer.writeHead(500).end('stack trace'),
  silent: () => {}, // until the one who asks gives up
  nameless: (_, answer, yes) => answer.writeHead(yes, { 'x-auth-request-user': '' }).end(),
  endless: (_, answer, yes) => answer.writeHead(yes, { 'x-auth-request-user': 'x'.repeat(257) }).end(),
  garbled: (_, answer, yes) => answer.writeHead(yes, { 'x-auth-request-user': 'ro\tot' }).end(),
}

export class Login {
  #sessions = new Map()
  #server
  /** One of FAULTS, or nothing. */
  fault

  /** `yes` is the status that means it: any 2xx to most proxies, 200 to Envoy alone. */
  constructor(port, yes = 204) {
    this.port = port
    this.yes = yes
  }

  async start() {
    this.#server = createServer((request, answer) => this.#answer(request, answer))
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop() {
    const closed = once(this.#server, 'close')
    this.#server.close().closeAllConnections()
    await closed
  }

  async #answer(request, answer) {
    const path = request.url.split('?')[0]
    // Envoy asks with the method of the request and with its path behind ours.
    if (path === '/auth' || path.startsWith('/auth/')) return this.#who(request, answer)
    if (path === '/login' && request.method === 'POST') return this.#enter(request, answer)
    answer.writeHead(path === '/' ? 200 : 404).end()
  }

  async #enter(request, answer) {
    let text = ''
    for await (const more of request.setEncoding('utf8')) text += more
    const { user, password } = JSON.parse(text)
    if (password !== PASSWORD) return answer.writeHead(401).end()
    const sid = randomUUID()
    this.#sessions.set(sid, user)
    answer.writeHead(204, { 'set-cookie': `sid=${sid}; ${RENEWED}` }).end()
  }

  #who(request, answer) {
    if (this.fault) return FAULTS[this.fault](request, answer, this.yes)
    const sid = /(?:^|; )sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
    const user = this.#sessions.get(sid)
    if (user === undefined) return answer.writeHead(401).end()
    const identity = { 'x-auth-request-user': user, 'x-auth-request-groups': 'staff' }
    answer.writeHead(this.yes, { ...identity, 'set-cookie': `sid=${sid}; ${RENEWED}` }).end()
  }
}

/** What a visitor types. */
export const credentials = (user) => JSON.stringify({ user, password: PASSWORD })
