// One page from its first request to its last: both modes, as a visitor of the application goes through them.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { Bridge } from '../bridge.mjs'
import { check } from '../check.mjs'
import { connect, Refused } from '../sockets.mjs'
import { freePort } from '../ports.mjs'
import { App, laidOut } from './apps.mjs'
import { Between } from './between.mjs'
import { Place, SPEECH, speech } from './place.mjs'
import { echoed, PAGE, Visitor } from './visitor.mjs'

/** The application as its page starts it, Tollbridge as its page configures it, and what stands between and behind them. */
export async function stage({ page, password }, python, more = {}) {
  const behind = await speech()
  const port = await freePort()
  const between = await Between.start(`http://127.0.0.1:${port}`)
  const folder = laidOut(page, { [SPEECH]: behind.url, 'http://127.0.0.1:3000': between.url, ...more.as })
  const secret = randomBytes(24).toString('base64url')
  const env = { ...behind.env, PASSWORD: password, SESSION_SECRET: secret }
  const place = await new Place(folder, { env, server: more.server }).open()
  const app = new App(folder, port, python)
  const given = { ...env, TOLLBRIDGE_URL: place.public, TOLLBRIDGE_KEY: place.mintKey }
  await app.start({ ...given, ...more.env })
  const close = async () => {
    await app.close()
    await between.close()
    behind.close()
  }
  return { app, place, between, behind, env: given, close }
}

/** Notes the cookies of a visitor as what no log may hold. */
export function keepOutOfLogs(place, visitor) {
  for (const [name, value] of visitor.jar) place.secrets.set(`cookie ${name} ${value.slice(0, 6)}`, value)
}

const short = (answer) => `${answer.status} ${answer.body?.code ?? answer.body?.error ?? answer.text.slice(0, 60)}`

/** Logs in: the wrong password first. */
async function loggedIn(login, visitor) {
  const asks = () => visitor.ask('/api/voice-token', { method: 'POST', headers: login.asks(visitor), origin: visitor.base })
  await login.login(visitor, 'wrong')
  const wrong = await asks()
  await login.login(visitor, login.password)
  check(`${login.page}: a wrong password is no login, the right one is`, wrong.status !== 201 && visitor.jar.has(login.session),
    `${wrong.status}, then the cookies ${[...visitor.jar.keys()].join(' ')}`)
}

async function minted(what, { place }, answer, { id, client }) {
  const { status, body, headers } = answer
  if (status !== 201) return check(`${what}: a token`, false, short(answer))
  const good = body.subject === id && headers['cache-control']?.includes('no-store')
  check(`${what}: a token for whoever is logged in`, good, `${body.subject}, ${headers['cache-control']}`)
  check(`${what}: it opens the bridge, and the bytes come back`, await echoed(body.url))
  const again = await echoed(body.url).catch((failure) => failure)
  check(`${what}: once`, again instanceof Refused && again.slug === 'token_used', String(again.message))
  if (client) {
    const entry = await Bridge.until('the audit entry', 30_000, async () => {
      const { entries } = await place.ask('audit?event=token.minted&limit=20')
      return entries.find(({ target }) => target === body.jti)
    })
    check(`${what}: the audit log names the caller`, entry.who === client, entry.who)
  }
}

async function modeA(login, staged, visitor) {
  const { page } = login
  const what = `${page}, mode A`
  const asks = (who, body) =>
    who.ask('/api/voice-token', { method: 'POST', headers: login.asks(who), body, origin: who.base })
  const stranger = new Visitor(staged.app.url)
  if (page === 'django') await stranger.visit('/accounts/login/')
  const refused = await asks(stranger)
  check(`${what}: a stranger gets 401 and no redirect`, refused.status === 401 && refused.body !== undefined, short(refused))
  await minted(what, staged, await asks(visitor), login)
  const mallory = await asks(visitor, { route: 'other', subject: 'mallory' })
  check(`${what}: the page's own subject and route are not taken`, mallory.body?.subject === login.id && mallory.body?.route === 'voice',
    `${mallory.body?.subject} for ${mallory.body?.route}`)
}

async function modeB(login, staged, visitor) {
  const { place, between } = staged
  const what = `${login.page}, mode B`
  const before = between.asked.length
  const nobody = await place.knock([])
  check(`${what}: without a cookie nobody is asked`, nobody.status === 401 && between.asked.length === before, short(nobody))
  const answer = await place.knock([['cookie', visitor.cookie]])
  await minted(what, staged, answer, { ...login, client: 'app' })
  return answer
}

async function afterLogout(login, { place, app }, visitor) {
  const copy = visitor.copy()
  const { body } = await place.knock([['cookie', visitor.cookie]])
  const socket = await connect(body.url, { origin: PAGE })
  await login.logout(visitor)
  socket.send('still here')
  check(`${login.page}: a session that is open goes on after the logout`, String(await socket.inbox.next()) === 'still here')
  await place.ask('revocations', { method: 'POST', body: { subject: login.id, sessions: true, reason: 'logged out' } })
  const { code, slug } = await socket.inbox.end()
  check(`${login.page}: until its subject is revoked`, code === 4410, `${code} ${slug}`)
  const own = await visitor.ask('/api/voice-token', { method: 'POST', headers: login.asks(visitor), origin: app.url })
  check(`${login.page}: after the logout the page gets 401`, own.status === 401, short(own))
  const kept = await place.knock([['cookie', copy.cookie]])
  if (login.copies) {
    check(`${login.page}: a copied cookie outlives the logout, as the page says`, kept.status === 201, short(kept))
  } else {
    check(`${login.page}: a copied cookie does not outlive the logout`, kept.status === 401, short(kept))
  }
}

/** What the page learns in mode A of a key that Tollbridge does not know, and of no Tollbridge. */
async function withoutTollbridge(login, { app, place }, visitor) {
  const asks = () => visitor.ask('/api/voice-token', { method: 'POST', headers: login.asks(visitor), origin: app.url })
  await place.must('apikey', 'revoke', 'mint-key')
  const keyless = await Bridge.until('the revocation', 30_000, async () => {
    const answer = await asks()
    return answer.status !== 201 && answer
  })
  check(`${login.page}, mode A: a key that was revoked is 502, not the visitor's 401`, keyless.status === 502, short(keyless))
  await place.close()
  const down = await asks()
  check(`${login.page}, mode A: without Tollbridge it is 503`, down.status === 503, short(down))
}

/** Everything about one page but its attacks; `and` is done with the place while it stands. */
export async function walk(login, python, and = async () => {}) {
  const staged = await stage(login, python)
  const { app, place, close } = staged
  try {
    const visitor = new Visitor(app.url)
    await loggedIn(login, visitor)
    keepOutOfLogs(place, visitor)
    await modeA(login, staged, visitor)
    await modeB(login, staged, visitor)
    await and(login, staged, visitor)
    await afterLogout(login, staged, visitor)
    await login.login(visitor, login.password)
    await withoutTollbridge(login, staged, visitor)
  } catch (failure) {
    console.log(readFileSync(app.log, 'utf8').slice(-2_000))
    throw failure
  } finally {
    await close()
  }
}
