// The page on OpenID providers: both its configurations, in front of the provider that it shows.

import { introspection } from './introspection.mjs'
import { jwt } from './jwt.mjs'
import { rotation, spoiled, troubles } from './keys.mjs'
import { outage } from './outage.mjs'
import { Place, speech } from './place.mjs'
import { forged, now, Provider, signingKey, VOICE } from './provider.mjs'

/** How long the silence lasts in the long form, in milliseconds: the pauses reach five seconds. */
export const LASTING = 15_000

/** A provider of its own with a key, and a speech service behind the servers that trust it. */
async function provided(python, tokens, act) {
  const behind = await speech()
  const provider = await Provider.open(python, { behind })
  await provider.serve([await signingKey('first')], { tokens })
  await act(provider)
  await provider.close()
  behind.close()
}

/** The page's first configuration. */
export const signed = (python, { long = false } = {}) => provided(python, 'jwt', async (provider) => {
  await jwt(python, provider)
  await troubles(provider)
  await silentKeys(provider, long ? LASTING : 0)
  await rotation(provider, { rotations: long ? 3 : 1 })
  for (const early of long ? [false, true] : []) await spoiled(provider, { early })
})

/** Its second one. */
export const opaque = (python, { long = false } = {}) => provided(python, 'opaque', async (provider) => {
  await introspection(provider)
  await silentAnswers(provider, long ? LASTING : 0)
})

/** The provider says nothing to a server that asks about each token. */
async function silentAnswers(provider, lasting) {
  const place = await new Place(provider.folder, { file: 'introspection.toml', env: provider.env, level: 'info' }).open()
  const { access_token: token } = await provider.login('ada')
  const { body } = await place.bear(token)
  await outage('oidc, introspection is silent', { between: provider.between, mint: () => place.bear(token), open: body.url, lasting })
  await place.close()
}

/** The provider says nothing to a server that has no keys yet. The session that is open came by another caller. */
async function silentKeys(provider, lasting) {
  const place = new Place(provider.folder, { file: 'jwt.toml', env: provider.env, level: 'info', more: '[callers.backend]\ntype = "api_key"\n' })
  place.text = place.text.replace('callers = ["idp"]', 'callers = ["idp", "backend"]')
  place.write()
  await place.open()
  const token = await forged({ iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }, provider.keys[0])
  const { url } = await place.mint('voice')
  await outage('oidc, the keys are silent', { between: provider.between, mint: () => place.bear(token), open: url, most: 1, lasting })
  await place.close()
}
