// The bridge as a team sets it up for the vendors: a preset each, TLS, and tokens from the mint.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'

import { Bridge } from '../bridge.mjs'

/** How the vendors' packages want their keys to begin. */
const PREFIXES = { 'openai-realtime': 'ek_', 'azure-openai': 'ek_' }

/** One route of the preset's name, its upstream and its credentials those of the stand-in. */
function route(name, { url, headers }, origin, env) {
  const lines = Object.entries(headers).map(([header, value], index) => {
    const variable = `${name}_${index}`.toUpperCase().replaceAll('-', '_')
    env[variable] = value
    return `${JSON.stringify(header)} = "env:${variable}"`
  })
  return `
[routes.${name}]
preset = "${name}"
upstream = "${url}"
origins = ["${origin}"]
callers = ["backend"]
${PREFIXES[name] ? `token_prefix = "${PREFIXES[name]}"` : ''}

[routes.${name}.credentials.headers]
${lines.join('\n')}
`
}

export class SdkBridge extends Bridge {
  /** `files` are certificate and key, `wanted` what the stand-ins want, `origin` that of the pages. */
  constructor({ cert, key }, wanted, origin) {
    const env = {}
    const routes = Object.entries(wanted).map(([name, vendor]) => route(name, vendor, origin, env))
    super(routes.join(''), { env, server: `tls = { cert = "file:${cert}", key = "file:${key}" }` })
    this.ca = readFileSync(cert)
  }

  /** Where the SDKs find it: the name in the certificate, and the port. */
  get host() {
    return `localhost:${new URL(this.public).port}`
  }

  /** As `Bridge.mint`, over TLS with a certificate that nobody else trusts. */
  async mint(route) {
    const headers = { authorization: `Bearer ${this.mintKey}`, 'content-type': 'application/json' }
    const asked = request(`https://${this.host}/v1/tokens`, { method: 'POST', headers, ca: this.ca })
    asked.end(JSON.stringify({ route }))
    const [answer] = await once(asked, 'response')
    const said = await json(answer)
    if (answer.statusCode !== 201) throw new Error(`mint: ${answer.statusCode} ${said.code}: ${said.detail}`)
    this.secrets.set(`token ${said.jti}`, said.token)
    return said.token
  }
}
