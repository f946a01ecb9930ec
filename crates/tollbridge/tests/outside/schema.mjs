// Every operation of docs/reference/openapi.json asked for what it allows and for what it does not, by Schemathesis.
//
//   node schema.mjs PYTHON [SECONDS]      PYTHON is an interpreter that has schemathesis; 20 s unless told

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Bridge, run } from './bridge.mjs'
import { check, main, measured } from './check.mjs'

const python = process.argv[2] ?? 'python3'
const seconds = Number(process.argv[3] ?? 20)
const root = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
const committed = join(root, 'docs/reference/openapi.json')

// The upstream is not there: what reaches it is a 502. The proxy that asks who may enter is Schemathesis.
const ROUTES = `
[routes.echo]
upstream = "ws://127.0.0.1:9/echo"
origins = ["*"]
callers = ["backend"]

[routes.realtime]
upstream = "ws://127.0.0.1:9/{model}"
paths = ["/v1/realtime"]
origins = ["*"]
callers = ["backend"]
params.model = { default = "gpt-realtime", allow = ["gpt-realtime"] }
`
const SERVER = 'trusted_proxies = ["127.0.0.1"]'

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
]

/** The verdict of one run with these headers, and how many requests it took. */
async function asked(bridge, what, headers, time) {
  const options = ['--url', bridge.public, '--checks', CHECKS.join(','), '--max-time', String(time), '--request-timeout', '20',
    '--suppress-health-check', 'all', '--warnings', 'off', '--continue-on-failure', '--generation-database', 'none', '--no-color']
  const args = ['-m', 'schemathesis.cli', 'run', committed, ...options, ...headers.flatMap((header) => ['-H', header])]
  const { code, out, err } = await run(python, args, { limit: (time + 120) * 1000, cwd: bridge.dir, env: { PYTHONWARNINGS: 'ignore' } })
  if (code !== 0) console.log(`${out}\n${err}`)
  for (const line of out.match(/Test cases:\n(?: .*\n)+|^ +\d+ generated.*$/gm) ?? []) measured(what, line.trim().replaceAll(/\s+/g, ' '))
  check(what, code === 0, `${time} s`)
}

await main(async () => {
  const bridge = await new Bridge(ROUTES, { server: SERVER, level: 'debug' }).open()
  const served = await (await fetch(`${bridge.public}/v1/openapi.json`)).text()
  check('the server serves the committed document', served === readFileSync(committed, 'utf8'), `${served.length} bytes`)
  const half = Math.max(1, Math.round(seconds / 2))
  await asked(bridge, 'a caller meets the description', [`Authorization: Bearer ${bridge.mintKey}`], half)
  await asked(bridge, 'an operator meets it too', [`X-API-Key: ${bridge.adminKey}`], half)
  const alive = await fetch(`${bridge.public}/readyz`)
  check('the server is well afterwards', alive.status === 200, `${alive.status}`)
  await bridge.close()
})
