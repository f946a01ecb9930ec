// Our tokens verified by third parties' libraries from our JWKS: `jose` from npm here, PyJWT in jwks.py.
//
//   node jwks.mjs [PYTHON]      PYTHON is an interpreter that has PyJWT with cryptography

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { calculateJwkThumbprint, createRemoteJWKSet, jwtVerify } from 'jose'

import { Bridge, run } from './bridge.mjs'
import { check, main } from './check.mjs'

const python = process.argv[2] ?? 'python3'
const here = dirname(fileURLToPath(import.meta.url))

const ROUTE = `
[routes.echo]
upstream = "ws://127.0.0.1:9/echo"
origins = ["*"]
callers = ["backend"]
`

/** One bit of the signature turned: the last character's top bits always count. */
function tampered(token) {
  const at = token.lastIndexOf('.') + 5
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

async function judged(algorithm) {
  const bridge = await new Bridge(ROUTE, { keys: `algorithm = "${algorithm}"` }).open()
  const address = `${bridge.public}/.well-known/jwks.json`
  const expected = { issuer: 'https://bridge.test', audience: 'https://bridge.test', typ: 'tollbridge+jwt', algorithms: [algorithm] }
  const keys = createRemoteJWKSet(new URL(address))

  const { token, jti } = await bridge.mint('echo', { subject: 'somebody', label: 'a third party reads this' })
  const { payload, protectedHeader } = await jwtVerify(token, keys, expected)
  check(`jose verifies ${algorithm}`, payload.jti === jti && payload.sub === 'somebody' && protectedHeader.alg === algorithm, `kid ${protectedHeader.kid}`)
  const refused = await jwtVerify(tampered(token), keys, expected).then(() => 'accepted', (failure) => failure.code)
  check(`jose refuses a tampered ${algorithm} token`, refused === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', refused)

  const set = await (await fetch(address)).json()
  for (const key of set.keys) {
    check(`kid is the ${algorithm} key's own thumbprint`, key.kid === await calculateJwkThumbprint(key), key.kid)
    check(`the ${algorithm} key shows public members only`, !('d' in key), Object.keys(key).join(' '))
  }

  const { code, out, err } = await run(python, [join(here, 'jwks.py'), address, algorithm, tampered(token)], { input: token })
  check(`PyJWT verifies ${algorithm}`, code === 0 && JSON.parse(out).jti === jti, code === 0 ? 'same jti' : err.trim())
  await bridge.close()
}

await main(async () => {
  await judged('EdDSA')
  await judged('ES256')
})
