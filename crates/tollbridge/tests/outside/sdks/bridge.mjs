// The bridge as a team sets it up for the vendors: a preset each, TLS, and tokens from the mint.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'

import { Bridge } from '../bridge.mjs'
import { routesTo } from './routes.mjs'

export class SdkBridge extends Bridge {
  /** `cert` and `key` are files, `standins` is what their process said, `origin` that of the pages. */
  constructor({ cert, key }, standins, origin) {
    const { toml, env, named } = routesTo(standins, origin)
    super(toml, { env, server: `tls = { cert = "file:${cert}", key = "file:${key}" }` })
    this.ca = readFileSync(cert)
    this.routes = named
  }

  /** Where the SDKs find it: the name in the certificate, and the port. */
  get host() {
    return `localhost:${new URL(this.public).port}`
  }

  /** As `Bridge.mint`, over TLS with a certificate that nobody else trusts, on a connection of its own. */
  async mint(route, more = {}) {
    const headers = { authorization: `Bearer ${this.mintKey}`, 'content-type': 'application/json' }
    const asked = request(`https://${this.host}/v1/tokens`, { method: 'POST', headers, ca: this.ca, agent: false })
    asked.end(JSON.stringify({ route, ...more }))
    const [answer] = await once(asked, 'response')
    const said = await json(answer)
    if (answer.statusCode !== 201) throw new Error(`mint: ${answer.statusCode} ${said.code}: ${said.detail}`)
    this.secrets.set(`token ${said.jti}`, said.token)
    return said
  }
}
