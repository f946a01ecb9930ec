// What the caller `jwt` refuses, tried with a real provider's tokens and with forgeries by keys that we hold.

import { createHmac, createPublicKey } from 'node:crypto'

import { generateKeyPair, SignJWT } from 'jose'

import { check } from '../check.mjs'
import { Between } from './between.mjs'
import { Place } from './place.mjs'
import { forged, now, Provider, published, signingKey, VOICE } from './provider.mjs'
import { attacks, enough } from './table.mjs'
import { echoed } from './visitor.mjs'

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of these three parts, as they are. */
const joined = (header, claims, signature) => `${part(header)}.${part(claims)}.${signature}`

/** A token whose HMAC has this secret: what a verifier computes that takes the header's word for the algorithm. */
function hmac(header, claims, secret) {
  const text = `${part({ ...header, alg: 'HS256' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** The token with other claims under the signature that it has. */
function altered(token, change) {
  const [header, claims, signature] = token.split('.')
  return [header, part({ ...JSON.parse(Buffer.from(claims, 'base64url')), ...change }), signature].join('.')
}

/** The token with one letter of its signature turned. */
function turned(token) {
  const at = token.lastIndexOf('.') + 5
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

const second = (issuer) => `
[callers.elsewhere]
type = "jwt"
issuer = "${issuer}"
audience = "${VOICE}"
`

/** Rows of one claim each: what, what is claimed, how it ends. */
const claimed = (good, sign) => [
  ['aud is missing', { aud: undefined }, [401, 'wrong_audience']],
  ['aud is a list without us', { aud: ['https://other.example.com', `${VOICE}/`] }, [401, 'wrong_audience']],
  ['aud is a list with us', { aud: ['https://other.example.com', VOICE] }, 201],
  ['aud begins as ours does', { aud: `${VOICE}.evil.example` }, [401, 'wrong_audience']],
  ['iss with a slash more', { iss: `${good.iss}/` }, [401, 'wrong_issuer']],
  ['iss is missing', { iss: undefined }, [401, 'wrong_issuer']],
  ['expired 90 seconds ago', { exp: now() - 90 }, [401, 'expired']],
  ['expired within the leeway', { exp: now() - 20 }, 201],
  ['exp is missing', { exp: undefined }, [401, 'claim']],
  ['exp is text', { exp: String(now() + 300) }, [401, 'claim']],
  ['not valid for another two minutes', { nbf: now() + 120 }, [401, 'not_yet']],
  ['issued in the future', { iat: now() + 120 }, [401, 'not_yet']],
  ['sub is missing', { sub: undefined }, [401, 'no_subject']],
  ['sub is empty', { sub: '' }, [401, 'no_subject']],
  ['sub is a list', { sub: ['ada'] }, [401, 'no_subject']],
  ['sub is 300 letters', { sub: 'x'.repeat(300) }, [401, 'no_subject']],
  ['a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, [401, 'wrong_type']],
].map(([what, change, wanted]) => [what, wanted, sign({ ...good, ...change })])

async function table(place, provider, other, key) {
  const tokens = await provider.login('ada')
  for (const [name, text] of Object.entries(tokens)) if (name.endsWith('_token')) place.secrets.set(name, text)
  const good = { iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300, client_id: 'page' }
  const bear = (token) => async () => place.bear(await token)
  const sign = (claims, header) => bear(forged(claims, key, header))
  const foreign = other.keys[0]
  const public_ = published(key)
  const pem = createPublicKey({ key: public_, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const evil = await Between.start()
  const own = { ...(await signingKey('mine')), kid: 'mine' }
  const { privateKey: curve } = await generateKeyPair('ES256')
  const rows = [
    ['the provider\'s access token', 201, async () => {
      const answer = await place.bear(tokens.access_token)
      return { answer, also: answer.body.subject === 'ada' && await echoed(answer.body.url), detail: answer.body.subject }
    }],
    ['the same with bearer in lower case', 201, () => place.knock([['authorization', `bearer ${tokens.access_token}`]])],
    ['the id token of the same login', [401, 'wrong_audience'], bear(tokens.id_token)],
    ['a token whose login was revoked there, until it expires', 201, async () => {
      const { access_token: token, refresh_token: refresh } = await provider.login('grace')
      await provider.revoke(refresh)
      return place.bear(token)
    }],
    ['a token without a resource', [401, 'no credential'], bear(provider.login('ada', { resource: null, scope: 'openid' }).then((said) => said.access_token))],
    ['a token for another resource', [401, 'wrong_audience'], bear(provider.robot({ resource: 'https://other.example.com' }))],
    ['another provider\'s token', 403, bear(other.robot())],
    ['another provider\'s key, the same kid, and our issuer in iss', [401, 'signature'], bear(forged(good, foreign))],
    ['our key, and another provider\'s issuer in iss', [401, 'signature'], sign({ ...good, iss: other.issuer })],
    ['a key that nobody published', [401, 'unknown_key'], bear(forged(good, own))],
    ['the same with the key in the header (jwk)', [401, 'unknown_key'], bear(forged(good, own, { jwk: published(own) }))],
    ['the same with its address in the header (jku, x5u)', [401, 'unknown_key'], async () => {
      const answer = await place.bear(await forged(good, own, { jku: `${evil.url}/jwks`, x5u: `${evil.url}/x5u` }))
      return { answer, also: evil.asked.length === 0, detail: `${evil.asked.length} requests there` }
    }],
    ['a wrong key under the right kid', [401, 'signature'], bear(forged(good, { ...own, kid: key.kid }))],
    ['a curve\'s key under the right kid', [401, 'unknown_key'], bear(new SignJWT(good).setProtectedHeader({ alg: 'ES256', kid: key.kid }).sign(curve))],
    ['alg none', [401, 'algorithm'], bear(joined({ alg: 'none', kid: key.kid }, good, ''))],
    ['alg nOnE with a signature', [401, 'algorithm'], bear(joined({ alg: 'nOnE', kid: key.kid }, good, part('signature')))],
    ['HS256, and the public key in PEM for a secret', [401, 'algorithm'], bear(hmac({ kid: key.kid }, good, pem))],
    ['HS256, and the public key as JWK for a secret', [401, 'algorithm'], bear(hmac({ kid: key.kid }, good, JSON.stringify(public_)))],
    ['RS512, which is not on the list', [401, 'algorithm'], sign(good, { alg: 'RS512' })],
    ['a critical extension', [401, 'malformed'], bear(joined({ alg: 'RS256', kid: key.kid, crit: ['exp'], exp: 1 }, good, part('signature')))],
    ['typ of a logout token', [401, 'wrong_type'], sign(good, { typ: 'logout+jwt' })],
    ['a payload that was changed', [401, 'signature'], bear(altered(tokens.access_token, { sub: 'mallory' }))],
    ['a signature that was changed', [401, 'signature'], bear(turned(tokens.access_token))],
    ['a signature that was cut off', [401, 'signature'], bear(`${tokens.access_token.split('.').slice(0, 2).join('.')}.`)],
    ['two subjects in one payload', [401, 'malformed'], bear(joined({ alg: 'RS256', kid: key.kid }, '{"sub":"ada","sub":"mallory"}', part('signature')))],
    ['two Authorization headers', [401, 'ambiguous'], () => place.knock([['authorization', `Bearer ${tokens.access_token}`], ['authorization', 'Bearer x']])],
    ['the token in a cookie', [401, 'no credential'], () => place.knock([['cookie', `access_token=${tokens.access_token}`]])],
    ['a page of another origin with a good token', [403, 'a page of another origin'], () => place.bear(tokens.access_token, { origin: 'https://evil.example' })],
    ['a subject in the request', 422, () => place.bear(tokens.access_token, { body: { route: 'voice', subject: 'mallory' } })],
    ...claimed(good, sign),
  ]
  enough('oidc, jwt', rows)
  await attacks('oidc, jwt', place, rows)
  await evil.close()
}

/** Tokens of two hundred keys that nobody knows: all in all the keys are fetched once more, and good tokens pass. */
async function flood(place, provider, key, before) {
  const good = { iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, number) => forged(good, { ...key, kid: `flood-${number}` })))
  const answers = await Promise.all(tokens.map((token) => place.bear(token)))
  const asked = provider.between.count('/jwks') - before
  check('oidc, jwt: two hundred unknown keys are refused', answers.every(({ status }) => status === 401), [...new Set(answers.map(({ status }) => status))].join(' '))
  check('oidc, jwt: from the start on the keys were fetched twice at most', asked <= 2, `${asked} fetches`)
  const { status } = await place.bear(await forged(good, key))
  check('oidc, jwt: a good token passes beside them', status === 201, `${status}`)
}

/** Whoever has the keys needs nobody. */
async function withoutProvider(place, provider, key) {
  const good = await forged({ iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }, key)
  const { status } = await provider.between.gone(() => place.bear(good))
  check('oidc, jwt: with the provider gone, a good token still mints', status === 201, `${status}`)
}

/** Goes through all of it, in front of a provider that signs. */
export async function jwt(python, provider) {
  const key = provider.keys[0]
  const other = await Provider.open(python)
  await other.serve([await signingKey(key.kid)])
  const before = provider.between.count('/jwks')
  const place = await new Place(provider.folder, { file: 'jwt.toml', more: second(other.issuer), env: provider.env }).open()
  await table(place, provider, other, key)
  await flood(place, provider, key, before)
  await withoutProvider(place, provider, key)
  await place.close()
  await other.close()
}
