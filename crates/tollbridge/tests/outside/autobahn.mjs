// Echo upstream and bridge for the Autobahn suite: prints what autobahn.sh needs and serves until standard input ends.
//
//   node autobahn.mjs serve         three lines: "direct URL", "public URL", "key PATH"
//   node autobahn.mjs mint URL KEY  one fresh bridge URL

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Bridge } from './bridge.mjs'
import { echoUpstream } from './sockets.mjs'

const route = (upstream) => `
[routes.echo]
upstream = "${upstream}/echo"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { x-upstream-key = "env:UPSTREAM_KEY" } }
`

async function serve() {
  const secret = randomBytes(24).toString('base64url')
  const open = await echoUpstream() // the same echo without its lock, for the direct run
  const locked = await echoUpstream({ value: secret })
  const bridge = await new Bridge(route(locked.url), { env: { UPSTREAM_KEY: secret } }).open()
  const key = join(bridge.dir, 'mint.key')
  writeFileSync(key, bridge.mintKey, { mode: 0o600 })
  console.log(`direct ${open.url}/echo\npublic ${bridge.public}\nkey ${key}`)
  process.stdin.resume().once('end', async () => {
    try {
      await bridge.close()
      process.exit(0)
    } catch (failure) {
      console.error(failure.message)
      process.exit(1)
    }
  })
}

async function mint(address, keyPath) {
  const answer = await fetch(`${address}/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${readFileSync(keyPath, 'utf8')}`, 'content-type': 'application/json' },
    body: '{"route":"echo"}',
  })
  if (answer.status !== 201) throw new Error(`mint: ${answer.status}`)
  console.log((await answer.json()).url)
}

const [what, ...more] = process.argv.slice(2)
await { serve, mint }[what](...more)
