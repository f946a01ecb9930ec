// The page on token exchange: its command, with tokens of a real provider, and with what must not be exchanged.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from '../bridge.mjs'
import { check } from '../check.mjs'
import { laidOut } from './apps.mjs'
import { Place, SPEECH, speech } from './place.mjs'
import { forged, now, Provider, signingKey, VOICE } from './provider.mjs'
import { echoed, PAGE, send } from './visitor.mjs'

const TOKEN = 'https://voice.example.com/v1/oauth/token'

/** What the page's command says of this token. */
async function exchanged(place, folder, token) {
  const script = readFileSync(join(folder, 'exchange.sh'), 'utf8').replaceAll(TOKEN, `${place.public}/v1/oauth/token`)
  const { code, out, err } = await run('sh', ['-eu', '-c', script], { env: { USERS_TOKEN: token } })
  if (code !== 0) throw new Error(`exchange.sh ended with ${code}: ${err}`)
  if (place.secrets.size < 100) place.secrets.set(`subject token ${place.secrets.size}`, token)
  return JSON.parse(out)
}

async function good(place, folder, token) {
  const { url, ...answer } = await exchanged(place, folder, token)
  const whole = answer.token_type === 'N_A' && answer.expires_in === 30 && answer.issued_token_type === 'urn:tollbridge:token-type:bridge'
  check('exchange: the command\'s answer is the page\'s', whole && url?.includes(answer.access_token), JSON.stringify({ ...answer, access_token: '…' }))
  const heard = await echoed(url)
  check('exchange: its address opens the bridge, and the bytes come back', heard)
  const again = await echoed(url).catch((failure) => failure)
  check('exchange: once', again.slug === 'token_used', String(again.message))
}

async function refusals(place, provider, folder, tokens) {
  const [key] = provider.keys
  const claims = { iss: provider.issuer, aud: VOICE, sub: 'ada', iat: now(), exp: now() + 300 }
  const rows = [
    ['the id token, which is another client\'s', tokens.id_token],
    ['a token for another resource', await provider.robot({ resource: 'https://other.example.com' })],
    ['one that has expired', await forged({ ...claims, iat: now() - 600, exp: now() - 300 }, key)],
    ['one that somebody else signed', await forged(claims, await signingKey(key.kid))],
    ['the refresh token', tokens.refresh_token],
    ['an API key', place.mintKey],
    ['nothing', ''],
  ]
  for (const [what, token] of rows) {
    const { error, error_description: description, ...more } = await exchanged(place, folder, token)
    const plain = error === 'invalid_request' && typeof description === 'string' && Object.keys(more).length === 0
    check(`exchange: ${what} is refused as OAuth has it`, plain, `${error}, ${Object.keys(more)}`)
  }
}

/** What the page says of routes and of pages. */
async function targets(place, token) {
  const asks = (audience, origin) => send(`${place.public}/v1/oauth/token`, {
    method: 'POST',
    headers: [['content-type', 'application/x-www-form-urlencoded'], ...(origin ? [['origin', origin]] : [])],
    body: String(new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience,
    })),
  })
  for (const [what, right, audience, origin] of [
    ['a page of the route\'s', undefined, 'voice', PAGE],
    ['a page of another origin', 'invalid_target', 'voice', 'https://evil.example'],
    ['a route that is not there', 'invalid_target', 'other', undefined],
  ]) {
    const { status, body } = await asks(audience, origin)
    const good = body.error === right && status === (right ? 400 : 200)
    check(`exchange: ${what}: ${right ?? 'yes'}`, good, `${status} ${body.error ?? ''}`)
  }
}

/** Goes through the page, in front of the provider of the page on OpenID. */
export async function exchange(python) {
  const behind = await speech()
  const provider = await Provider.open(python, { behind })
  await provider.serve([await signingKey('first')])
  const folder = laidOut('token-exchange', { [SPEECH]: behind.url, 'https://login.example.com': provider.issuer })
  const place = await new Place(folder, { env: behind.env, more: '[callers.backend]\ntype = "api_key"\n' })
  place.text = place.text.replace('callers = ["sso"]', 'callers = ["sso", "backend"]')
  place.write()
  await place.open()
  const tokens = await provider.login('ada')
  await good(place, folder, tokens.access_token)
  await refusals(place, provider, folder, tokens)
  await targets(place, tokens.access_token)
  await place.close()
  await provider.close()
  behind.close()
}
