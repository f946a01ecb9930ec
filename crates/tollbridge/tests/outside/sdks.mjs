// The vendors' own SDKs, unmodified from npm and PyPI, through the bridge to strict stand-ins: in headless Chromium over TLS,
// in Node and in Python. Each gets a minted token where the API key was.
//
//   node sdks.mjs [PYTHON] [NAME ...]      PYTHON is an interpreter that has requirements.txt

import { createHash, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { run } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { startChromium } from './chromium.mjs'
import { SdkBridge } from './sdks/bridge.mjs'
import { claims } from './sdks/claims.mjs'
import { PAGES, PROGRAMS } from './sdks/exchanges.mjs'
import { servePages } from './sdks/pages.mjs'
import { vendorOf } from './sdks/routes.mjs'
import { Vendors } from './sdks/vendors.mjs'
import { packets, speech } from './sound.mjs'

const [python = 'python3', ...names] = process.argv.slice(2)
const here = dirname(fileURLToPath(import.meta.url))
const out = join(process.env.CARGO_TARGET_DIR ?? 'target', 'sdks')

/** How long one exchange may take, in milliseconds. */
const LIMIT = 30_000

/** So much speech, in packets of 100 ms: none too short for any vendor, none too long. */
const SECONDS = 1

async function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'tollbridge-sdks-'))
  const files = { folder, cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const { code, err } = await run(python, [join(here, 'sdks/certificate.py'), files.cert, files.key])
  if (code !== 0) throw new Error(`certificate.py: ${err}`)
  const spki = new X509Certificate(readFileSync(files.cert)).publicKey.export({ type: 'spki', format: 'der' })
  return { ...files, pin: createHash('sha256').update(spki).digest('base64') }
}

/** The package under test with its version: npm's as installed, PyPI's as pinned. */
function packageOf({ npm, pypi }) {
  if (pypi) return new RegExp(`^${pypi}==.*$`, 'm').exec(readFileSync(join(here, 'requirements.txt'), 'utf8'))[0]
  const { name, version } = JSON.parse(readFileSync(join(here, 'node_modules', npm, 'package.json')))
  return `${name}@${version}`
}

/** Whether each SDK that a preset calls tested is among the exchanges, in that version. */
function promised() {
  const ran = [...PAGES, ...PROGRAMS].map((exchange) => `${exchange.route} ${packageOf(exchange).replace('==', '@')}`)
  for (const { route, name, versions } of claims(join(here, '../../../config/presets'))) {
    const missing = versions.filter((version) => !ran.includes(`${route} ${name}@${version}`))
    check(`preset ${route} calls ${name} tested`, missing.length === 0, versions.join(', '))
  }
}

/** What a page shows in its picture. */
function summary(exchange, { sockets, events, errors }, token) {
  const counts = Object.fromEntries(events.map((event) => [event, events.filter((other) => other === event).length]))
  return JSON.stringify({ sdk: packageOf(exchange), sockets, events: counts, errors }, null, 2).replaceAll(token, 'TOKEN')
}

/** In a page of its own; a picture is taken of what it shows at the end. */
async function inBrowser(context, origin, exchange, given) {
  const page = await context.newPage()
  page.setDefaultTimeout(LIMIT)
  try {
    await page.goto(`${origin}/${exchange.name}`)
    const said = await page.evaluate((given) => globalThis.exchange(given), given)
    await page.evaluate((text) => (document.querySelector('pre').textContent = text), summary(exchange, said, given.token))
    const picture = `${exchange.name}${given.untilClosed ? '-refused' : ''}.png`
    await page.screenshot({ path: join(out, picture), fullPage: true })
    return said
  } finally {
    await page.close()
  }
}

/** As a program of its own, which trusts the certificate as an operator would make it. */
async function asProgram({ npm, file }, given, cert) {
  const command = npm ? [process.execPath, join(here, 'sdks/node.mjs'), file] : [python, join(here, 'sdks', `${file}.py`)]
  const env = { NODE_EXTRA_CA_CERTS: cert, SSL_CERT_FILE: cert, PYTHONDONTWRITEBYTECODE: '1' }
  const { code, out, err } = await run(command[0], command.slice(1), { env, input: JSON.stringify(given), limit: LIMIT })
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${err}`)
  return JSON.parse(out)
}

/** What was said, checked against what the vendor met. */
function judge({ name, events, sound }, said, dials, sum) {
  const missing = events.filter((event) => !said.events.includes(event))
  const faults = [...said.errors, ...missing.map((event) => `no ${event}`)]
  check(`${name}: the exchange is complete`, faults.length === 0, faults.join('; ') || [...new Set(said.events)].join(' '))
  const [dial, ...others] = dials
  check(`${name}: the vendor takes the bridge's credential`, dial?.answered === 101 && others.length === 0, `${dials.length} dials, ${dial?.answered}`)
  const ends = said.sockets.length > 0 ? said.sockets.map(({ close }) => close) : [{ code: dial?.client_close, reason: 'by the vendor' }]
  const clean = ends.length === 1 && [1000, 1005].includes(ends[0]?.code)
  check(`${name}: the end is a clean one`, clean, ends.map((close) => `${close?.code} ${close?.reason}`.trim()).join(', '))
  if (!sound) return
  const heard = dial?.audio ?? { bytes: 0 }
  const good = sound === 'same' ? heard.sha256 === sum : heard.bytes > 0
  check(`${name}: the vendor hears ${sound === 'same' ? 'the same sound, byte for byte' : 'the microphone'}`, good, `${heard.bytes} bytes`)
}

/** The same token once more: it opens nothing, and the page can read why. */
async function refused({ name, route }, again, vendors) {
  const asked = vendors.asked(vendorOf(route))
  const { sockets } = await again()
  const { code, reason = '' } = sockets[0]?.close ?? {}
  const good = code === 4409 && reason.startsWith('tb:token_used') && vendors.asked(vendorOf(route)) === asked
  check(`${name}: the used token is refused in words`, good, `${code} ${reason.split(';')[0]}`)
}

async function exchanged(exchange, { bridge, vendors, pieces, sum, perform }) {
  const { name, route, params } = exchange
  if (!bridge.routes.includes(route)) return check(`${name}: there is a stand-in`, false, vendorOf(route))
  const known = vendors.dials(vendorOf(route)).length
  const { token, url } = await bridge.mint(route, { params })
  const given = { bridge: bridge.host, token, url, packets: pieces }
  const said = await perform(exchange, given).catch((failure) => ({ sockets: [], events: [], errors: [failure.message] }))
  const dials = await vendors.fresh(vendorOf(route), known)
  const trace = JSON.stringify({ sdk: packageOf(exchange), ...said, vendor: dials }, null, 2).replaceAll(token, 'TOKEN')
  writeFileSync(join(out, `${name}.json`), `${trace}\n`)
  const { sdk, sockets } = JSON.parse(trace)
  measured(sdk, sockets.filter(({ url }) => url).map(({ url, protocols }) => `${url} ${protocols}`).join(', ') || 'not in a page')
  judge(exchange, said, dials, sum)
  if (sockets[0]?.url) await refused(exchange, () => perform(exchange, { ...given, untilClosed: true }), vendors)
}

await main(async () => {
  mkdirSync(out, { recursive: true })
  const wanted = ({ name }) => names.length === 0 || names.includes(name)
  const tls = await certificate()
  const pcm = await speech(SECONDS)
  const sum = createHash('sha256').update(pcm).digest('hex')
  const pieces = packets(pcm, 100).map((packet) => packet.toString('base64'))
  const vendors = await Vendors.start()
  const site = await servePages(PAGES)
  const bridge = await new SdkBridge(tls, vendors.standins, site.origin).open()
  const browser = await startChromium([
    `--ignore-certificate-errors-spki-list=${tls.pin}`, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
  ])
  const common = { bridge, vendors, pieces, sum }
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const perform = (exchange, given) => inBrowser(context, site.origin, exchange, given)
    for (const exchange of PAGES.filter(wanted)) await exchanged(exchange, { ...common, perform })
  } finally {
    await browser.close()
    site.close()
  }
  const perform = (exchange, given) => asProgram(exchange, given, tls.cert)
  for (const exchange of PROGRAMS.filter(wanted)) await exchanged(exchange, { ...common, perform })
  if (names.length === 0) promised()
  await bridge.close()
  await vendors.close()
  rmSync(tls.folder, { recursive: true })
})
