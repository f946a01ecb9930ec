// The page on the connect hook: its server decides who connects, for how long, and what it is when it is not there.

import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Bridge } from '../bridge.mjs'
import { check } from '../check.mjs'
import { connect, leave } from '../sockets.mjs'
import { freePort } from '../ports.mjs'
import { App, laidOut } from './apps.mjs'
import { Between } from './between.mjs'
import { Place, SPEECH, speech } from './place.mjs'
import { PAGE, send } from './visitor.mjs'

/** Whom the page's server lets in. */
const ADA = 'ada@example.com'

/** An answer has to come, however busy the machine is. */
const PROMPT = 20_000

/** Connects for a subject: the open socket, or how it was refused. A page's handshake is answered, and then closed. */
async function comes(place, subject, { origin, ...more } = {}) {
  const { url } = await place.mint('voice', { subject, ...more })
  try {
    const socket = await connect(url, { origin })
    socket.send('here')
    await socket.inbox.next()
    return { code: 101, slug: '', socket }
  } catch (failure) {
    if (failure.slug === undefined) throw failure
    return failure
  }
}

const said = ({ code, slug }) => `${code} ${slug}`

/** Keeps the last question as it came, before it is passed on. */
function listening(between) {
  const kept = {}
  between.mood = (incoming, outgoing) => {
    kept.headers = incoming.headers
    kept.body = ''
    incoming.on('data', (chunk) => (kept.body += chunk))
    between.pass(incoming, outgoing)
  }
  return kept
}

async function decides(place) {
  const ada = await comes(place, ADA, { origin: PAGE })
  check('hook: who has minutes left connects', ada.code === 101, said(ada))
  for (const [origin, right] of [[PAGE, 4403], [undefined, 403]]) {
    const refused = await comes(place, 'grace@example.com', { origin })
    check(`hook: who has none does not, ${origin ? 'from a page' : 'by a program'}`, refused.code === right && refused.slug === 'route_not_allowed', said(refused))
  }
  const { denials } = await place.ask('denials')
  const reasons = denials.map(({ why }) => why)
  check('hook: the operator reads the reason', reasons.some((why) => why?.includes('no minutes left')), reasons.join('; '))
  const brief = await comes(place, ADA, { origin: PAGE, max_session: 60 })
  check('hook: a longer session than the token\'s is refused, as the page says', brief.slug === 'overloaded', said(brief))
  return ada.socket
}

/** Questions to the page's server that Tollbridge did not ask. */
async function forgeries(app, secret, { headers, body }) {
  const signed = (id, at, text) => `v1,${createHmac('sha256', secret).update(`${id}.${at}.${text}`).digest('base64')}`
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers
  const old = String(Number(at) - 600)
  const rows = [
    ['the very question', 200, { id, at, signature, body }],
    ['none of the headers', 401, { body }],
    ['a signature of another secret', 401, { id, at, signature: `v1,${randomBytes(32).toString('base64')}`, body }],
    ['a signature cut short', 401, { id, at, signature: signature.slice(0, -8), body }],
    ['another subject', 401, { id, at, signature, body: body.replace(ADA, 'eve@example.com') }],
    ['another id', 401, { id: `${id}0`, at, signature, body }],
    ['another time', 401, { id, at: String(Number(at) + 1), signature, body }],
    ['an old question, signed well', 401, { id, at: old, signature: signed(id, old, body), body }],
  ]
  for (const [what, right, { body: text, ...row }] of rows) {
    const lines = Object.entries({ 'webhook-id': row.id, 'webhook-timestamp': row.at, 'webhook-signature': row.signature })
    const { status } = await send(app.url, { method: 'POST', body: text, headers: lines.filter(([, value]) => value !== undefined) })
    check(`hook: the page's server answers ${right} to ${what}`, status === right, String(status))
  }
}

async function away(place, app, live) {
  await app.stop()
  for (const [origin, right] of [[PAGE, 1013], [undefined, 503]]) {
    const refused = await comes(place, ADA, { origin })
    check(`hook: without the server nobody connects, ${origin ? 'from a page' : 'by a program'}`, refused.code === right && refused.slug === 'overloaded', said(refused))
  }
  live.send('still here')
  const heard = String(await live.inbox.next())
  check('hook: and who is connected stays so', heard === 'still here', heard)
  await leave(live)
}

/** The server comes back, and knows of three seconds only. */
async function back(place, app) {
  const file = join(app.folder, 'server.mjs')
  writeFileSync(file, readFileSync(file, 'utf8').replace(' ? 5 : 0', ' ? 0.05 : 0'))
  await app.start({})
  const { socket } = await Bridge.until('the server', PROMPT, async () => {
    const come = await comes(place, ADA, { origin: PAGE })
    return come.socket && come
  })
  check('hook: the server is back, and so are connections', true)
  const end = await socket.inbox.end(PROMPT)
  check('hook: a session lasts as long as the server said', end.slug === 'max_session', said(end))
}

/** Goes through the page. */
export async function hook(python) {
  const behind = await speech()
  const between = await Between.start()
  const folder = laidOut('connect-hook', { [SPEECH]: behind.url, 'https://app.example.com/hooks/tollbridge': between.url, ' ? 5 : 0': ' ? 5 : 0' })
  const secret = randomBytes(32)
  const text = `whsec_${secret.toString('base64')}`
  writeFileSync(join(folder, 'hook.secret'), `${text}\n`, { mode: 0o600 })
  const place = new Place(folder, { env: behind.env })
  place.text = place.text.replace('file:hook.secret', `file:${folder}/hook.secret`)
  place.secrets.set('hook.secret', text)
  place.write()
  await place.open()
  const app = await new App(folder, await freePort(), python).start({})
  between.target = app.url
  const kept = listening(between)
  const first = await comes(place, ADA, { origin: PAGE })
  await forgeries(app, secret, kept)
  await leave(first.socket)
  const live = await decides(place)
  await away(place, app, live)
  await back(place, app)
  await place.close()
  await app.close()
  await between.close()
  behind.close()
}
