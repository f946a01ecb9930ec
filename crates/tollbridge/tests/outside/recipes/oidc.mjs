// The page on OpenID providers: both its configurations, in front of the provider that it shows.

import { jwt } from './jwt.mjs'
import { Provider, signingKey } from './provider.mjs'

export async function oidc(python) {
  const provider = await Provider.open(python, {})
  await provider.serve([await signingKey('first')])
  await jwt(python, provider)
  await provider.close()
}
