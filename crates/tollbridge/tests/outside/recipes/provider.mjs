// The OpenID provider of oidc.md, in a process of its own behind one address, with keys that we hold: so we can forge.

import { createHash, randomBytes } from 'node:crypto'

import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'

import { freePort } from '../ports.mjs'
import { App, laidOut } from './apps.mjs'
import { Between } from './between.mjs'
import { SPEECH } from './place.mjs'
import { send, Visitor } from './visitor.mjs'

export const VOICE = 'https://voice.example.com'
const CALLBACK = 'https://app.example.com/callback'

/** A signing key as a provider keeps it. */
export async function signingKey(kid, alg = 'RS256') {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' }
}

/** The public half, as the provider publishes it. */
export const published = ({ kty, n, e, kid, alg, use }) => ({ kty, n, e, kid, alg, use })

/** A JWT with these claims and this header, signed by this key. */
export const forged = async (claims, key, header = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(await importJWK(key, header.alg ?? key.alg))

export const now = () => Math.floor(Date.now() / 1000)

export class Provider {
  retired = []

  /** Its address, which outlives its processes, and the page's files. Nothing runs yet. */
  static async open(python, { behind } = {}) {
    const provider = new Provider()
    provider.python = python
    provider.between = await Between.start()
    provider.issuer = provider.between.url
    provider.secrets = { ROBOT_SECRET: secret(), TOLLBRIDGE_SECRET: secret() }
    provider.env = { ...behind?.env, ...provider.secrets }
    provider.folder = laidOut('oidc', { 'https://id.example.com': provider.issuer, ...(behind && { [SPEECH]: behind.url }) })
    return provider
  }

  /** Starts a process with these keys, the first of which signs, and has the address lead to it. */
  async serve(keys, { tokens = 'jwt', life = 300 } = {}) {
    const app = new App(this.folder, await freePort(), this.python)
    const env = { ISSUER: this.issuer, JWKS: JSON.stringify({ keys }), TOKENS: tokens, LIFE: String(life), ...this.secrets }
    await app.start(env)
    // The one before answers what it was asked.
    if (this.app) this.retired.push(this.app)
    this.app = app
    this.keys = keys
    this.between.target = app.url
    return this
  }

  async close() {
    for (const app of this.retired) await app.stop()
    await this.app.close()
    await this.between.close()
  }

  /** Somebody logs in on the provider's pages and consents; the page gets its tokens (authorization code, PKCE). */
  async login(name, { resource = VOICE, scope = 'openid offline_access speak' } = {}) {
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const query = new URLSearchParams({
      client_id: 'page', response_type: 'code', redirect_uri: CALLBACK, scope, prompt: 'consent', state: 'of mind',
      code_challenge: challenge, code_challenge_method: 'S256', ...(resource && { resource }),
    })
    const browser = new Visitor(this.issuer)
    let seen = await browser.visit(`/auth?${query}`)
    for (const fields of [{ prompt: 'login', login: name, password: 'any' }, { prompt: 'consent' }]) {
      if (seen.left) break
      seen = await browser.submit(seen.url.pathname, fields, { origin: this.issuer })
    }
    const code = seen.left?.searchParams.get('code')
    if (!code) throw new Error(`no code: ${seen.left ?? seen.text.slice(0, 500)}`)
    const grant = { grant_type: 'authorization_code', client_id: 'page', code, redirect_uri: CALLBACK, code_verifier: verifier }
    return this.#form('/token', { ...grant, ...(resource && { resource }) })
  }

  /** An access token of a program. */
  async robot({ resource = VOICE, scope = resource === VOICE ? 'speak' : 'read' } = {}) {
    const said = await this.#form('/token', { grant_type: 'client_credentials', resource, scope }, this.#robot())
    return said.access_token
  }

  /** Revokes a token of the page's or, with `robot`, of the program's. */
  revoke(token, { robot = false } = {}) {
    return this.#form('/token/revocation', robot ? { token } : { token, client_id: 'page' }, robot ? this.#robot() : [])
  }

  #robot() {
    return [['authorization', `Basic ${btoa(`robot:${this.secrets.ROBOT_SECRET}`)}`]]
  }

  async #form(path, fields, headers = []) {
    const type = ['content-type', 'application/x-www-form-urlencoded']
    const answer = await send(`${this.issuer}${path}`, { method: 'POST', headers: [type, ...headers], body: String(new URLSearchParams(fields)) })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }
}

const secret = () => randomBytes(24).toString('base64url')
