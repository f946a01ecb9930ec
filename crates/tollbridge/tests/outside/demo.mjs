// The demo as a visitor sees it, in headless Chromium: the direct connection fails, the bridged one echoes, and every
// refusal's button shows its code. With --tls the same over TLS, with the certificate that the demo makes.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { binary, launch } from './bridge.mjs'
import { leaks } from './canary.mjs'
import { check, main, measured } from './check.mjs'
import { startChromium } from './chromium.mjs'

/** Code and slug that each button must bring about. */
const REFUSALS = {
  bad_request: 4400,
  bad_utf8: 1007,
  byte_quota: 4429,
  concurrency_limit: 4429,
  idle_timeout: 4408,
  killed: 4410,
  max_session: 4408,
  message_too_big: 1009,
  origin_not_allowed: 4403,
  protocol_error: 1002,
  rate_limited: 4429,
  revoked: 4410,
  route_not_allowed: 4403,
  subprotocol_not_allowed: 4400,
  token_expired: 4401,
  token_invalid: 401,
  token_missing: 401,
  token_used: 4409,
  unknown_route: 404,
  upstream_lost: 1011,
  upstream_rate_limited: 1013,
  upstream_refused: 1014,
  upstream_timeout: 1013,
  upstream_unavailable: 1013,
  write_timeout: 4408,
}

const tls = process.argv.includes('--tls')

/** Nobody vouches for the demo's certificate: a visitor clicks the warning away. */
const UNPROVEN = tls ? ['--ignore-certificate-errors'] : []

const out = join(process.env.CARGO_TARGET_DIR ?? 'target', 'outside')

async function visit(page, address) {
  const began = Date.now()
  check(`the page is served over ${tls ? 'https' : 'http'}`, address.startsWith(tls ? 'https:' : 'http:'), address)
  await page.goto(address)
  await page.click('#bridge-run')
  await page.waitForFunction(() => document.querySelector('#bridge-result').textContent.includes('echo: '))
  measured('first success after opening the page', `${Date.now() - began} ms`)

  await page.click('#direct-run')
  await page.waitForFunction(() => document.querySelector('#direct-result').textContent.includes('1006'))
  check('the direct connection fails as a browser shows it', true, await page.textContent('#direct-result'))

  await page.fill('#echo-input', 'grüße über die Brücke')
  await page.click('#echo-send')
  await page.waitForFunction(() => document.querySelector('#bridge-result').textContent.includes('grüße über die Brücke'))
  check('the bridged connection echoes', true, await page.textContent('#bridge-result'))
}

async function refusals(page) {
  const slugs = await page.$$eval('button[data-case]', (buttons) => buttons.map((button) => button.dataset.case))
  check('every refusal has a button', slugs.length === Object.keys(REFUSALS).length, `${slugs.length} buttons`)
  for (const slug of slugs) {
    await page.click(`button[data-case=${slug}]`)
    const result = `[data-result=${slug}]`
    await page.waitForSelector(`${result}[data-done=true]`, { timeout: 30_000 })
    const shown = (await page.textContent(result)).trim()
    check(`refusal ${slug}`, shown.startsWith(`${REFUSALS[slug]} ${slug}`), shown)
  }
}

await main(async () => {
  mkdirSync(out, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'tollbridge-demo-'))
  const log = join(folder, 'demo.log')
  const began = Date.now()
  const options = ['--no-open', '--listen', '127.0.0.1:0', ...(tls ? ['--tls'] : [])]
  const { child, said } = await launch(binary, ['demo', ...options], {
    log, names: ['page', 'key', 'curl'], env: { TOLLBRIDGE__LOG__LEVEL: 'trace' },
  })
  measured('demo serves after', `${Date.now() - began} ms`)
  const browser = await startChromium(UNPROVEN)
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    const faults = []
    page.on('pageerror', (fault) => faults.push(String(fault)))
    const sockets = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    page.setDefaultTimeout(15_000)
    await visit(page, said.page)
    await refusals(page)
    const bridged = sockets.filter((url) => url.includes('/v1/bridge/'))
    const scheme = tls ? 'wss:' : 'ws:'
    check(`every session is ${scheme}`, bridged.length > 0 && bridged.every((url) => url.startsWith(scheme)), `${bridged.length} sockets`)
    const screenshot = join(out, tls ? 'demo-tls.png' : 'demo.png')
    await page.screenshot({ path: screenshot, fullPage: true })
    measured('screenshot', screenshot)
    check('the page raised no error', faults.length === 0, faults.join('; '))
  } finally {
    await browser.close()
    child.kill('SIGHUP') // as a closed terminal does
  }
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(15_000) })
  check('it ends with its terminal', child.exitCode === 0 || (await ended.catch(() => ['it runs on']))[0] === 0)
  const found = await leaks(log, new Map([['the demo key', said.key]]))
  check('the log holds no token, key or query string', found.length === 0, found.join('; '))
  rmSync(folder, { recursive: true })
})
