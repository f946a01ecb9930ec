// Somebody with a browser's habits: keeps cookies, follows redirects, says which page asks.

import { request } from 'node:http'

import { connect, leave } from '../sockets.mjs'

/** The page that all of these visitors look at. */
export const PAGE = 'https://app.example.com'

/** How long one request may take, in milliseconds. */
const LIMIT = 30_000

/** One request with headers as pairs, so that one may come twice: `{ status, headers, cookies, text, body, took }`. */
export function send(url, { method = 'GET', headers = [], body } = {}) {
  const began = performance.now()
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const lines = [...headers]
  const has = (wanted) => lines.some(([name]) => name.toLowerCase() === wanted)
  if (body !== undefined && text !== body && !has('content-type')) lines.push(['content-type', 'application/json'])
  if (!has('host')) lines.push(['host', new URL(url).host])
  if (text !== undefined || method === 'POST') lines.push(['content-length', String(Buffer.byteLength(text ?? ''))])
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: lines.flat(), signal: AbortSignal.timeout(LIMIT), agent: false }, async (answer) => {
      try {
        let said = ''
        for await (const more of answer.setEncoding('utf8')) said += more
        const { statusCode: status, headers: got } = answer
        resolve({ status, headers: got, cookies: got['set-cookie'] ?? [], text: said, body: json(said), took: performance.now() - began })
      } catch (failure) {
        reject(failure)
      }
    })
    asked.once('error', reject).end(text)
  })
}

function json(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export class Visitor {
  constructor(base) {
    this.base = base
    this.jar = new Map()
    /** What a proxy before the application would do: where it passes requests on to, and what it adds. */
    this.by = undefined
    this.always = []
  }

  get cookie() {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** A second browser with a copy of the cookies. */
  copy() {
    const other = new Visitor(this.base)
    other.jar = new Map(this.jar)
    return other
  }

  /** Asks, and keeps what it is given. */
  async ask(path, { headers = [], origin = PAGE, ...more } = {}) {
    const url = new URL(path, this.base)
    const lines = [...this.always, ...headers]
    if (origin && more.method === 'POST') lines.push(['origin', origin])
    if (this.jar.size > 0) lines.push(['cookie', this.cookie])
    const answer = await send(this.by ? new URL(url.pathname + url.search, this.by) : url, { ...more, headers: lines })
    for (const line of answer.cookies) this.#keep(line)
    return { ...answer, url }
  }

  /** The same, and after each redirect what it leads to, within this origin. */
  async visit(path, more) {
    let answer = await this.ask(path, more)
    for (let hops = 0; [301, 302, 303].includes(answer.status) && hops < 8; hops += 1) {
      const next = new URL(answer.headers.location, answer.url)
      if (next.host !== new URL(this.base).host) return { ...answer, left: next }
      answer = await this.ask(next.href)
    }
    return answer
  }

  post(path, body, more) {
    return this.visit(path, { method: 'POST', body, ...more })
  }

  /** A form as a browser sends it. */
  submit(path, fields, { headers = [], ...more } = {}) {
    const type = ['content-type', 'application/x-www-form-urlencoded']
    return this.post(path, String(new URLSearchParams(fields)), { ...more, headers: [type, ...headers] })
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim())
    const [name, ...value] = pair.split('=')
    const over = attributes.some((attribute) => {
      const [key, said = ''] = attribute.toLowerCase().split('=')
      return (key === 'max-age' && Number(said) <= 0) || (key === 'expires' && Date.parse(said) < Date.now())
    })
    if (over) this.jar.delete(name)
    else this.jar.set(name, value.join('='))
  }
}

/** Connects with a minted address as the page does, has bytes come back, and leaves: what came, or the refusal. */
export async function echoed(url, bytes = Buffer.from([0, 1, 2, 253, 254, 255])) {
  const socket = await connect(url, { origin: PAGE })
  socket.send(bytes)
  const heard = await socket.inbox.next()
  await leave(socket)
  return Buffer.compare(heard, bytes) === 0
}
