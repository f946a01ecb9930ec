// Where the keys of `jwt` come from: what is refused of it, and a rotation at the provider while tokens are minted.

import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from '../bridge.mjs'
import { check, measured } from '../check.mjs'
import { Between, moods } from './between.mjs'
import { Place } from './place.mjs'
import { forged, now, published, signingKey, VOICE } from './provider.mjs'

/** An answer has to come, however busy the machine is. */
const PROMPT = 20_000

/** Lanes of traffic, and how long each phase of it lasts, in milliseconds. */
const LANES = 4
const PHASE = 2_500

/** The rule of docs/reference/callers.md: the first unknown kid has keys fetched at once, the next after 30 seconds. */
const APART = 32_000

/** A server of its own that has no keys yet, and reads them where `mood` answers. */
async function keysFrom(provider, what, mood, { discovery = false } = {}) {
  const between = await Between.start()
  const document = { issuer: between.url, jwks_uri: `${between.url}/jwks` }
  const json = (outgoing, said) => outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said))
  const keys = { keys: provider.keys.map(published) }
  const well = (incoming, outgoing) => json(outgoing, incoming.url === '/jwks' ? keys : document)
  const ill = typeof mood === 'function' ? mood : (_, outgoing) => json(outgoing, { ...document, ...mood })
  const about = discovery ? '/.well-known/openid-configuration' : '/jwks'
  between.mood = (incoming, outgoing) => (incoming.url === about ? ill(incoming, outgoing) : well(incoming, outgoing))

  const place = new Place(provider.folder, { file: 'jwt.toml', env: provider.env })
  place.text = place.text.replaceAll(provider.issuer, between.url)
  place.write()
  await place.open()
  const mint = async () => place.bear(await forged({ iss: between.url, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }, provider.keys[0]))
  const answer = await mint()
  const good = answer.status === 503 && Number(answer.headers['retry-after']) >= 1 && answer.took < PROMPT
  check(`oidc, keys: ${what}: nobody can say, promptly`, good, `${answer.status}, ${Math.round(answer.took)} ms`)
  between.mood = well
  await Bridge.until(`${what}: a good mint`, PROMPT, async () => (await mint()).status === 201)
  await place.close()
  await between.close()
}

/** Each thing that may be wrong with a provider's documents, each with a server of its own, all at once. */
export async function troubles(provider) {
  const padded = (_, outgoing) => outgoing.writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ keys: provider.keys.map(published), padding: 'x'.repeat(300_000) }))
  await Promise.all([
    keysFrom(provider, 'their 500', moods.status(500)),
    keysFrom(provider, 'a redirect to the right ones', moods.redirect(`${provider.issuer}/jwks`)),
    keysFrom(provider, 'the right ones in 300 KB', padded),
    keysFrom(provider, 'an answer without an end', moods.flood(64 << 20)),
    keysFrom(provider, 'no JSON', moods.status(200)),
    keysFrom(provider, 'silence', moods.silence()),
    keysFrom(provider, 'a document of another issuer', { issuer: 'https://evil.example' }, { discovery: true }),
    keysFrom(provider, 'a document that points into the network', { jwks_uri: 'https://10.0.0.1/jwks' }, { discovery: true }),
    keysFrom(provider, 'a document that points to plain HTTP', { jwks_uri: 'http://keys.example/jwks' }, { discovery: true }),
    keysFrom(provider, 'a document that redirects', moods.redirect('/jwks'), { discovery: true }),
  ])
}

/** One lane: fresh tokens of the provider, each minted with once. */
async function lane(place, provider, state) {
  while (!state.over) {
    const token = await provider.robot()
    const { status, body } = await place.bear(token)
    state.statuses.push(status)
    if (status !== 201) state.refused.push({ at: Date.now(), code: `${status} ${body?.code}` })
  }
}

/** The provider's signing key changes, the old one staying published, while tokens are minted without a pause. */
export async function rotation(provider, { rotations = 1 } = {}) {
  const place = await new Place(provider.folder, { file: 'jwt.toml', env: provider.env, level: 'info' }).open()
  const state = { over: false, statuses: [], refused: [] }
  const lanes = Array.from({ length: LANES }, () => lane(place, provider, state))
  await Bridge.until('traffic', PROMPT, () => state.statuses.length > 10)
  const fetches = () => provider.between.count('/jwks')
  for (let number = 1; number <= rotations; number += 1) {
    if (number > 1) await pause(APART)
    const before = fetches()
    const [signing] = provider.keys
    await provider.serve([await signingKey(`rotated-${number}`), signing])
    const from = state.statuses.length
    await pause(PHASE)
    await Bridge.until('tokens of the new key', PROMPT, () => state.statuses.length > from + 2 * LANES)
    check(`oidc, rotation ${number}: the keys were fetched once`, fetches() - before === 1, `${fetches() - before} fetches`)
  }
  state.over = true
  await Promise.all(lanes)
  measured('minted with fresh tokens', state.statuses.length)
  check('oidc, rotation: no token was refused', state.refused.length === 0, [...new Set(state.refused.map(({ code }) => code))].join(', ') || 'none')
  await place.close()
}

/**
 * A rotation while a stranger sends unknown keys without a pause, and so uses up each fetch. `early`: the new key is
 * published before it signs.
 */
export async function spoiled(provider, { early }) {
  const what = `oidc, rotation under a flood, ${early ? 'published early' : 'published as it signs'}`
  const place = await new Place(provider.folder, { file: 'jwt.toml', env: provider.env, level: 'info' }).open()
  const state = { over: false, sent: 0 }
  const flood = async () => {
    for (; !state.over; state.sent += 1) {
      const key = { ...provider.keys[0], kid: `spoilt-${state.sent}` }
      await place.bear(await forged({ iss: provider.issuer, aud: VOICE, sub: 'mallory', exp: now() + 300 }, key))
    }
  }
  const before = provider.between.count('/jwks')
  const flooding = flood()
  await Bridge.until('the first fetches', PROMPT, () => provider.between.count('/jwks') > before + 1)
  const [signing] = provider.keys
  const next = await signingKey(`early-${early}`)
  if (early) {
    await provider.serve([signing, next])
    await pause(APART)
  }
  await provider.serve([next, signing])
  const began = Date.now()
  const refused = []
  await Bridge.until('a mint with the new key', APART + PROMPT, async () => {
    const { status } = await place.bear(await provider.robot())
    if (status !== 201) refused.push(status)
    return status === 201
  })
  measured(`${what}: unknown keys sent, first mint with the new one after`, `${state.sent}, ${Date.now() - began} ms`)
  check(`${what}: ${early ? 'nobody is refused' : 'tokens of the new key are refused until the next fetch'}`, early === (refused.length === 0), `${refused.length} refused`)
  state.over = true
  await flooding
  await place.close()
}
