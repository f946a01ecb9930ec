// The page on OpenID providers: both its configurations, in front of the provider that it shows.

import { introspection } from './introspection.mjs'
import { jwt } from './jwt.mjs'
import { rotation, troubles } from './keys.mjs'
import { outage } from './outage.mjs'
import { Place, speech } from './place.mjs'
import { forged, now, Provider, signingKey, VOICE } from './provider.mjs'

/** How long the silence lasts in the long form, in milliseconds: the pauses reach five seconds. */
export const LASTING = 15_000

export async function oidc(python, { long = false } = {}) {
  const behind = await speech()
  const provider = await Provider.open(python, { behind })
  await provider.serve([await signingKey('first')])
  await jwt(python, provider)
  await troubles(provider)
  await introspection(provider)
  await silent(provider, long ? LASTING : 0)
  await rotation(provider, { rotations: long ? 3 : 1 })
  await provider.close()
  behind.close()
}

/** The provider says nothing: to a server without keys, and to one that asks about each token. */
async function silent(provider, lasting) {
  await provider.serve(provider.keys, { tokens: 'opaque' })
  const { between } = provider
  const open = (file, more) => new Place(provider.folder, { file, env: provider.env, level: 'info', more }).open()

  const asking = await open('introspection.toml')
  const { access_token: opaque } = await provider.login('ada')
  const first = await asking.bear(opaque)
  await outage('oidc, introspection is silent', { between, mint: () => asking.bear(opaque), open: first.body.url, lasting })
  await asking.close()

  // The session that is open came by another caller: this one never had keys.
  const unread = await open('jwt.toml', '[callers.backend]\ntype = "api_key"\n')
  unread.text = unread.text.replace('callers = ["idp"]', 'callers = ["idp", "backend"]')
  unread.write()
  await unread.must('reload')
  const token = await forged({ iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }, provider.keys[0])
  const { url } = await unread.mint('voice')
  await outage('oidc, the keys are silent', { between, mint: () => unread.bear(token), open: url, most: 1, lasting })
  await unread.close()
}
