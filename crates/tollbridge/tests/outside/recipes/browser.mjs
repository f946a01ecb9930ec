// The Express page in headless Chromium, behind one origin: both modes, and what pages of other origins come to.

import { once } from 'node:events'
import { createServer } from 'node:http'

import { check } from '../check.mjs'
import { startChromium } from '../chromium.mjs'
import { Front } from './front.mjs'
import { files } from './pages.mjs'
import { stage } from './walk.mjs'

const LIMIT = 30_000

/** Logs in by the form that the application shows. */
async function loggedIn(page, front, login) {
  await page.goto(front.url)
  await page.fill('[name=name]', login.id)
  await page.fill('[name=password]', login.password)
  await Promise.all([page.waitForURL(`${front.url}/`), page.click('button')])
  check('browser: the form logs in', (await page.textContent('body')).includes('Welcome'))
}

/** Has the page's own code mint and connect; bytes come back. */
async function spoken(page, mint) {
  const code = `${files('README').get('page.js')}\nglobalThis.recipe = { byBackend, bySelf, voice }`
  await page.addScriptTag({ type: 'module', content: code })
  return page.evaluate(async (mint) => {
    const socket = await recipe.voice(recipe[mint])
    socket.binaryType = 'arraybuffer'
    return new Promise((resolve) => {
      socket.onopen = () => socket.send(new Uint8Array([0, 255, 7]))
      socket.onmessage = ({ data }) => resolve([...new Uint8Array(data)].join(' '))
      socket.onclose = ({ code, reason }) => resolve(`${code} ${reason}`)
    })
  }, mint)
}

/** A page of somebody else's, at an origin of its own. */
async function elsewhere() {
  const server = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<p>Win a prize.</p>'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: server.address().port, close: () => server.close().closeAllConnections() }
}

/** What that page tries, each with the visitor's cookies as far as the browser sends them: what it could read. */
const tries = (page, target) => page.evaluate(async (target) => {
  const read = async (path, options) => {
    try {
      const answer = await fetch(`${target}${path}`, { method: 'POST', credentials: 'include', ...options })
      return answer.type === 'opaque' ? 'nothing' : await answer.text()
    } catch {
      return 'nothing'
    }
  }
  const body = JSON.stringify({ route: 'voice' })
  return {
    json: await read('/v1/tokens', { headers: { 'content-type': 'application/json' }, body }),
    text: await read('/v1/tokens', { mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body }),
    form: await read('/v1/tokens', { mode: 'no-cors', body: new URLSearchParams({ route: 'voice' }) }),
    backend: await read('/api/voice-token', { mode: 'no-cors' }),
    socket: await new Promise((resolve) => {
      const socket = new WebSocket(`${target.replace('http', 'ws')}/v1/bridge/voice`)
      socket.onopen = () => resolve('open')
      socket.onclose = () => resolve('nothing')
    }),
  }
}, target)

async function foreign(context, front, host, what) {
  const other = await elsewhere()
  const page = await context.newPage()
  await page.goto(`http://${host}:${other.port}/`)
  front.answered.length = 0
  const seen = await tries(page, front.url)
  check(`browser: ${what} reads nothing`, Object.values(seen).every((said) => said === 'nothing'), JSON.stringify(seen))
  const minted = front.answered.filter((line) => line.startsWith('POST /v1/tokens') && line.endsWith('201'))
  check(`browser: ${what} has Tollbridge mint nothing`, minted.length === 0, front.answered.join(', '))
  await page.close()
  other.close()
  return front.answered.find((line) => line.startsWith('POST /api/voice-token'))
}

export async function browser(login, python) {
  const front = await Front.start()
  const staged = await stage(login, python, { as: { 'https://app.example.com': front.url }, server: `public_url = "${front.url}"` })
  const { place } = staged
  Object.assign(front, { app: staged.app.url, bridge: place.public })
  const chromium = await startChromium()
  try {
    const context = await chromium.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(LIMIT)
    await loggedIn(page, front, login)
    for (const [mode, mint] of [['A', 'byBackend'], ['B', 'bySelf']]) {
      const heard = await spoken(page, mint)
      check(`browser, mode ${mode}: the page's own code mints, connects and hears its bytes`, heard === '0 255 7', heard)
    }
    const afar = await foreign(context, front, 'localhost', 'a page of another site')
    check('browser, mode A: it comes without the cookie', afar?.endsWith('401'), afar)
    const near = await foreign(context, front, '127.0.0.1', 'a page of the same site at another port')
    check('browser, mode A: it comes with the cookie, as the page says', near?.endsWith('201'), near)
  } finally {
    await chromium.close()
  }
  await place.close()
  await staged.close()
  front.close()
}
