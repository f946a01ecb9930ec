// What the caller `introspection` refuses, tried with a real provider's opaque tokens.

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from '../bridge.mjs'
import { check } from '../check.mjs'
import { moods } from './between.mjs'
import { Place } from './place.mjs'
import { forged, now, signingKey, VOICE } from './provider.mjs'
import { attacks, enough, unasked, unheard } from './table.mjs'
import { echoed } from './visitor.mjs'

/** An answer has to come, however busy the machine is. */
const PROMPT = 15_000

const ASKED = '/token/introspection'

/** The table, in front of a provider of opaque tokens. */
async function table(place, provider) {
  const { between } = provider
  const tokens = await provider.login('ada')
  const revoked = await provider.login('grace')
  await provider.revoke(revoked.access_token)
  const bear = (token) => async () => place.bear(await token)
  const good = bear(tokens.access_token)

  const while_ = (mood, act = good) => () => between.during(mood, act)
  const outage = (mood) => unheard((asks) => between.during(mood, asks), good)
  /** The provider's own answer, with something in it changed. */
  const says = (change) => while_((incoming, outgoing) => between.pass(incoming, outgoing, { change: (said) => ({ ...said, ...change }) }))
  const silently = (act) => unasked(between, act)

  const rows = [
    ['the provider\'s access token', 201, async () => {
      const answer = await good()
      return { answer, also: answer.body.subject === 'ada' && await echoed(answer.body.url), detail: answer.body.subject }
    }],
    ['a token that was revoked there', [401, 'inactive'], bear(revoked.access_token)],
    ['a token that was good a moment ago and is revoked now', [401, 'inactive'], async () => {
      const { access_token: brief } = await provider.login('grace')
      const before = await place.bear(brief)
      await provider.revoke(brief)
      return { answer: await place.bear(brief), also: before.status === 201, detail: `${before.status} before` }
    }],
    ['a token whose login was revoked there', [401, 'inactive'], async () => {
      const { access_token: token, refresh_token: refresh } = await provider.login('grace')
      await provider.revoke(refresh)
      return place.bear(token)
    }],
    ['a token for another resource', [401, 'wrong_audience'], bear(provider.robot({ resource: 'https://other.example.com' }))],
    ['a token without a resource', [401, 'wrong_audience'], bear(provider.login('ada', { resource: null, scope: 'openid' }).then(({ access_token }) => access_token))],
    ['a program\'s token, of which the provider says no sub', [401, 'no_subject'], bear(provider.robot())],
    ['a token without the scope', [401, 'wrong_scope'], bear(provider.robot({ scope: '' }))],
    ['the refresh token of the same login', [401, 'wrong_audience'], bear(tokens.refresh_token)],
    ['garbage', [401, 'inactive'], bear(randomBytes(32).toString('base64url'))],
    ['garbage that is no token\'s form', [401, 'malformed'], silently(() => place.bear('a b&client_id=page'))],
    ['an attempt to add a parameter', [401, 'inactive'], bear(`${randomBytes(9).toString('hex')}&token=${tokens.access_token}`)],
    ['a token of 17,000 letters', [401, 'malformed'], silently(() => place.bear('x'.repeat(17_000)))],
    ['an API key\'s form', [401, 'malformed'], silently(() => place.bear(`tbk_${'A'.repeat(8)}_${'A'.repeat(43)}`))],
    ['two Authorization headers', [401, 'ambiguous'], silently(() => place.knock([['authorization', `Bearer ${tokens.access_token}`], ['authorization', 'Bearer x']]))],
    ['a page of another origin with a good token', [403, 'a page of another origin'], () => place.bear(tokens.access_token, { origin: 'https://evil.example' })],
    ['a subject in the request', 422, () => place.bear(tokens.access_token, { body: { route: 'voice', subject: 'mallory' } })],
    ['active is false', [401, 'inactive'], says({ active: false })],
    ['active is the text "true"', 503, says({ active: 'true' })],
    ['active is missing', 503, says({ active: undefined })],
    ['active, and expired', [401, 'expired'], says({ exp: now() - 1 })],
    ['active, and not valid yet', [401, 'not_yet'], says({ nbf: now() + 60 })],
    ['active, for nobody', [401, 'wrong_audience'], says({ aud: undefined, client_id: undefined })],
    ['active, of our own client, for somebody else', [401, 'wrong_audience'], says({ aud: 'https://other.example.com', client_id: 'tollbridge' })],
    ['active, and nobody\'s', [401, 'no_subject'], says({ sub: undefined })],
    ['the provider\'s 500', 503, outage(moods.status(500))],
    ['the provider\'s 401, about our own client', 503, outage(moods.status(401))],
    ['a redirect', 503, outage(moods.redirect(`${provider.issuer}${ASKED}`))],
    ['an answer that is no JSON', 503, outage(moods.status(200, { 'content-type': 'text/html' }))],
    ['an answer without an end', 503, outage(moods.flood(8 << 20))],
    ['a provider that says nothing', 503, outage(moods.silence())],
    ['a provider that is gone', 503, unheard((asks) => between.gone(asks), good)],
    ['a good token again', 201, good],
  ]
  enough('oidc, introspection', rows)
  await attacks('oidc, introspection', place, rows)
}

/** A stranger who sends what the provider answers 400 to: the others must not notice. */
async function structured(place, provider) {
  const { access_token: good } = await provider.login('ada')
  const key = await signingKey('anybody')
  const statuses = []
  for (let number = 0; number < 8; number += 1) {
    const { status } = await place.bear(await forged({ iss: provider.issuer, aud: VOICE, sub: 'mallory', exp: now() + 300 }, key))
    statuses.push(status)
  }
  const after = await place.bear(good)
  check('oidc, introspection: a JWT, which this provider answers 400 to, is refused', statuses.every((status) => status === 401), statuses.join(' '))
  check('oidc, introspection: and no good token is turned away for it', after.status === 201, `${after.status}`)
  await Bridge.until('a good mint', PROMPT, async () => (await place.bear(good)).status === 201)
}

/** A token that was good once, when its time is over. */
async function expired(place, provider) {
  await provider.serve(provider.keys, { tokens: 'opaque', life: 5 })
  const { access_token: token } = await provider.login('ada')
  const first = await place.bear(token)
  await pause(6_000)
  const then = await place.bear(token)
  check('oidc, introspection: a token whose five seconds are over is refused', first.status === 201 && then.status === 401, `${first.status}, then ${then.status}`)
}

/** Other configurations than the page's: what each costs. */
async function configured(provider) {
  const { access_token: good, refresh_token: refresh } = await provider.login('ada')
  const wrong = await new Place(provider.folder, { file: 'introspection.toml', env: { ...provider.env, TOLLBRIDGE_SECRET: 'not-the-providers-secret' } }).open()
  const answer = await wrong.bear(good)
  const patient = Number(answer.headers['retry-after']) >= 1
  check('oidc, introspection: our own wrong secret is an outage, not a refusal', answer.status === 503 && patient, `${answer.status}`)
  await wrong.close()

  const loose = new Place(provider.folder, { file: 'introspection.toml', env: provider.env })
  loose.text = loose.text.replace(/^(audience|scope) = .*\n/gm, '')
  loose.write()
  await loose.open()
  const ours = (incoming, outgoing) => provider.between.pass(incoming, outgoing, { change: (said) => ({ ...said, aud: undefined, client_id: 'tollbridge' }) })
  const taken = await provider.between.during(ours, () => loose.bear(refresh))
  check('oidc, introspection: without audience, a refresh token of our own client passes, as the page says', taken.status === 201, `${taken.status}`)
  await loose.close()

  const named = new Place(provider.folder, { file: 'introspection.toml', env: provider.env })
  named.text = named.text.replace(/^audience = .*$/m, '$&\nsubject = "claim:client_id"')
  named.write()
  await named.open()
  const { status, body } = await named.bear(await provider.robot())
  check('oidc, introspection: with subject = "claim:client_id" a program mints', status === 201 && body.subject === 'robot', `${status} ${body.subject}`)
  await named.close()
}

/** Goes through all of it, in front of a provider of opaque tokens. */
export async function introspection(provider) {
  const place = await new Place(provider.folder, { file: 'introspection.toml', env: provider.env }).open()
  await table(place, provider)
  await configured(provider)
  await structured(place, provider)
  await expired(place, provider)
  await provider.serve(provider.keys, { tokens: 'opaque' })
  await place.close()
}
