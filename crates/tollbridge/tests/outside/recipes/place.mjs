// A page's configuration in front of an echo: the real server, what it asks, and the way to the page.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Bridge } from '../bridge.mjs'
import { echoUpstream } from '../sockets.mjs'
import { PAGE, send } from './visitor.mjs'

/** The caller that the harness configures where the page does not. */
const BACKEND = '[callers.backend]\ntype = "api_key"\n'

/** A speech service that wants its header, and the address by which the pages name it. */
export async function speech() {
  const key = randomBytes(24).toString('base64url')
  const upstream = await echoUpstream({ header: 'x-api-key', value: key })
  return { url: `${upstream.url}/v1/listen`, env: { SPEECH_KEY: key }, close: upstream.close }
}

export const SPEECH = 'wss://speech.example.com/v1/listen'

export class Place extends Bridge {
  /** The server with a page's configuration, as it lies in a folder. */
  constructor(folder, { file = 'tollbridge.toml', more = '', ...options } = {}) {
    const text = `${readFileSync(join(folder, file), 'utf8')}\n${more}`
    super(text, options)
    if (text.includes('[callers.backend]')) {
      this.text = this.text.replace(BACKEND, '')
      this.write()
    }
  }

  /** A key as the pages have it made: for one route, and for the one caller that has keys. */
  async apikey(scope) {
    const limits = scope === 'mint' ? ['--route', 'voice', '--caller', 'backend'] : []
    const text = (await this.must('apikey', 'create', '--name', `${scope}-key`, '--scope', scope, ...limits)).trim()
    this.secrets.set(`api key ${scope}-key`, text)
    return text
  }

  /** A mint as a page asks for it, with these headers. */
  knock(headers, { body = { route: 'voice' }, origin = PAGE } = {}) {
    const lines = [...headers, ...(origin ? [['origin', origin]] : [])]
    return send(`${this.public}/v1/tokens`, { method: 'POST', headers: lines, body })
  }

  /** A mint with a bearer credential, which no log may hold. */
  bear(token, more) {
    if (this.secrets.size < 100) this.secrets.set(`bearer credential ${this.secrets.size}`, token)
    return this.knock([['authorization', `Bearer ${token}`]], more)
  }

  /** What the operator reads about a refusal: the list of denials has the request by its id. */
  async reason({ body }) {
    const { denials } = await this.ask('denials')
    return denials.find(({ request_id: id }) => id === body?.instance)?.why
  }
}
