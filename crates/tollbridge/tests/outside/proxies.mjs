// The how-to pages about proxies, as they are written: a proxy asks a login who somebody is, and tells Tollbridge. Then all
// the ways in which somebody else might say it.
//
//   node proxies.mjs BIN PYTHON [NAME ...]
//
// BIN has caddy, traefik and envoy, PYTHON is an interpreter with `cryptography`. VERBOSE=1 shows each row's statuses.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { forwardAuth } from './recipes/forwardauth.mjs'
import { forged, isRefused, smuggled, targets } from './recipes/forgeries.mjs'
import { GUARDS, versionOf } from './recipes/guards.mjs'
import { overHttp2 } from './recipes/http2.mjs'
import { certificates, HEADER, House, VISITOR } from './recipes/house.mjs'
import { few } from './recipes/raw.mjs'
import { leave } from './sockets.mjs'

const [programs, python, ...names] = process.argv.slice(2)
const bin = resolve(programs)
const here = dirname(fileURLToPath(import.meta.url))
const certificate = certificates(python, join(here, 'sdks/certificate.py'))
const standinsBinary = process.env.STANDINS_BIN ?? 'target/debug/examples/standins'

/** How long a smuggled request's answer is waited for behind the first one, in milliseconds. */
const LINGER = 500

/** The echo among the stand-ins: its address, and an end. */
async function echo() {
  const child = spawn(standinsBinary, { stdio: ['pipe', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, url] = line.split(' ')
    if (name === 'echo') return { url, close: () => once(child, 'exit', child.stdin.end()) }
  }
  throw new Error('the stand-ins did not start')
}

/** Who a mint's answer is for; null where it is no mint. */
const minted = ({ status, body }) => (status === 201 ? JSON.parse(body).subject : null)

/** What the reader came for. */
async function way(house, cookie) {
  const { name } = house
  const answer = await house.through({ lines: [cookie] })
  check(`${name}: who is logged in mints`, minted(answer) === 'ada', `${answer.status} ${minted(answer)}`)
  const renewed = /^sid=.*Max-Age=1800/.test(answer.headers['set-cookie'] ?? '')
  check(`${name}: a session that slides reaches the browser`, renewed, renewed ? 'Max-Age=1800' : 'no cookie')
  const { url } = JSON.parse(answer.body)
  check(`${name}: the address is the proxy's`, url.startsWith(`wss://${house.host}/v1/bridge/voice?`), url.split('?')[0])
  const socket = await house.socket(url)
  socket.send('bytes')
  const heard = String(await socket.inbox.next())
  socket.close(4321, 'a reason of ours')
  const { code, slug } = await socket.inbox.end()
  const same = heard === 'bytes' && code === 4321 && slug === 'a reason of ours'
  check(`${name}: bytes and a close code pass`, same, `${heard}, ${code} ${slug}`)
  const [{ client_ip }] = await house.logged('session.opened', 1)
  check(`${name}: the session's client is the real one`, client_ip === VISITOR, client_ip)
  const stranger = await house.through({})
  const plain = stranger.status === 401 && !stranger.headers.location
  check(`${name}: who is not is refused, and not sent elsewhere`, plain, String(stranger.status))
  const again = await house.socket(url).then(leave, (failure) => failure)
  check(`${name}: the used token is refused in words`, again.slug === 'token_used', `${again.code} ${again.slug}`)
}

/** The header in every shape, from strangers and from who may mint in their own name. */
async function headers(house, cookie) {
  const bad = []
  const tried = await few(forged, async ({ name, what, stranger, known }) => {
    const first = await house.through(what)
    if (!stranger.includes(first.status)) bad.push(`${name}: a stranger got ${first.status}`)
    const second = await house.through({ ...what, lines: [cookie, ...(what.lines ?? [])] })
    if (!known.includes(second.status)) bad.push(`${name}: who is logged in got ${second.status}`)
    if (second.status === 201 && minted(second) !== 'ada') bad.push(`${name}: minted as ${minted(second)}`)
    return `${name} ${first.status}/${second.status}`
  })
  check(`${house.name}: ${forged.length} forgeries, twice each, name nobody`, bad.length === 0, bad.join('; '))
  if (process.env.VERBOSE) measured('stranger/known', tried.join('; '))
}

const statuses = (told) => told.map(([what, { status }]) => `${what} ${status}`).join('; ')

async function paths(house) {
  const lines = [`${HEADER}: root`]
  const all = targets(house.host)
  const told = await few(all, async (target) => [target, await house.through({ target, lines })])
  const open = told.filter(([, answer]) => !isRefused(answer))
  check(`${house.name}: ${all.length} other spellings of the mint are guarded`, open.length === 0, statuses(open))
  if (process.env.VERBOSE) measured('targets', statuses(told))
}

async function hidden(house) {
  const all = Object.entries(smuggled(house.host))
  const told = await few(all, async ([name, bytes]) => [name, await house.through(bytes, { linger: LINGER })])
  const bad = told.filter(([, { all }]) => / 201 /.test(all)).map(([name]) => name)
  check(`${house.name}: ${all.length} requests that hide another one mint nothing`, bad.length === 0, bad.join('; '))
  if (process.env.VERBOSE) measured('hidden', told.map(([name, { all }]) => `${name} ${all.match(/HTTP\/1.. \d+/g)}`).join('; '))
}

/** Past the proxy, and what is said of where one comes from. */
async function addresses(house, cookie) {
  const { name } = house
  const claims = ['X-Forwarded-For: 127.0.0.1, 127.0.0.1', 'X-Real-IP: 127.0.0.1', 'Forwarded: for=127.0.0.1']
  for (const lines of [[], claims.slice(0, 1), claims]) {
    const { status } = await house.past('127.0.0.2', { lines: [`${HEADER}: root`, ...lines] })
    check(`${name}: past it, the header is refused (${lines.length} more lines)`, status === 401, String(status))
  }
  const denied = await house.logged('token.denied', 3, ({ client_ip }) => client_ip === '127.0.0.2')
  const reasons = denied.map(({ reason }) => reason).join(', ')
  check(`${name}: the log says from where and why`, reasons === 'untrusted_peer, untrusted_peer, untrusted_peer', reasons)
  for (const chain of ['6.6.6.6', '127.0.0.1', '6.6.6.6, 127.0.0.1', '127.0.0.1, 6.6.6.6', 'garbage', '']) {
    const lines = [cookie, `X-Forwarded-For: ${chain}`, 'X-Forwarded-For: 7.7.7.7', 'X-Real-IP: 6.6.6.6', 'Forwarded: for=6.6.6.6']
    const answer = await house.through({ lines })
    const { jti } = JSON.parse(answer.body)
    const [{ client_ip }] = await house.logged('token.minted', 1, (event) => event.jti === jti)
    check(`${name}: the client of X-Forwarded-For "${chain}" is the real one`, client_ip === VISITOR, client_ip)
  }
}

/** How a login can go wrong (see login.mjs), and what is right then. */
const FAULTS = {
  page: [401],
  nameless: [401],
  endless: [401],
  garbled: [401],
  redirect: [302, 500],
  broken: [500, 503],
  silent: [500, 503, 504],
}

/** The login answers what it should not, or not at all. */
async function outage(house, cookie) {
  const { name, app } = house
  const live = await house.socket(JSON.parse((await house.through({ lines: [cookie] })).body).url)
  for (const [fault, right] of Object.entries(FAULTS)) {
    app.fault = fault
    const answer = await house.through({ lines: [cookie, `${HEADER}: root`] })
    check(`${name}: a login that is ${fault} lets nobody mint`, right.includes(answer.status), String(answer.status))
  }
  app.fault = undefined
  await app.stop()
  const { status } = await house.through({ lines: [cookie, `${HEADER}: root`] })
  check(`${name}: without the login nobody mints`, status >= 500, String(status))
  live.send('still here')
  const heard = String(await live.inbox.next())
  check(`${name}: the live session notices nothing`, heard === 'still here', heard)
  await app.start()
  const back = await Bridge.until('a mint after the outage', 30_000, async () => minted(await house.through({ lines: [cookie] })))
  check(`${name}: the login is back, and so is the mint`, back === 'ada', back)
  live.send('and still')
  await live.inbox.next()
  await leave(live)
}

/** Debian's nginx is whichever it is. */
async function named(name) {
  const version = await versionOf(name, bin)
  if (!GUARDS[name].pinned) return measured(name, version)
  const page = readFileSync(join(here, `../../../../docs/how-to/auth/${name}.md`), 'utf8')
  check(`${name}: the page names the version that is tested`, page.includes(` ${version}:`), version)
}

async function guarded(name, upstream) {
  const house = await House.open(name, { bin, upstream, certificate })
  await named(name)
  const cookie = await house.login('ada')
  await way(house, cookie)
  await headers(house, cookie)
  await paths(house)
  await hidden(house)
  await addresses(house, cookie)
  await overHttp2(house, cookie)
  await outage(house, cookie)
  const { names, leaks } = await house.close()
  check(`${name}: nobody but who was logged in has a token`, names === 'ada', names)
  check(`${name}: its log holds no token`, leaks.length === 0, leaks.join('; '))
}

/** nginx with nobody to ask: the page about it shows no route, and minting is a backend's. */
async function open(name, upstream) {
  const more = `[callers.backend]
type = "api_key"
[routes.voice]
upstream = "${upstream}"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { X-Api-Key = "env:SPEECH_KEY" } }
`
  const house = await House.open(name, { bin, upstream, certificate, more })
  await named(name)
  const lines = [`Authorization: Bearer ${house.bridge.mintKey}`, 'X-Forwarded-For: 6.6.6.6']
  const answer = await house.through({ lines })
  check(`${name}: who has a key mints`, answer.status === 201, String(answer.status))
  const socket = await house.socket(JSON.parse(answer.body).url)
  socket.send('bytes')
  const heard = String(await socket.inbox.next())
  socket.close(4321)
  const { code } = await socket.inbox.end()
  check(`${name}: bytes and a close code pass`, heard === 'bytes' && code === 4321, `${heard}, ${code}`)
  for (const event of ['token.minted', 'session.opened']) {
    const [{ client_ip }] = await house.logged(event, 1)
    check(`${name}: the client of ${event} is the real one`, client_ip === VISITOR, client_ip)
  }
  const { leaks } = await house.close()
  check(`${name}: its log holds no token`, leaks.length === 0, leaks.join('; '))
}

await main(async () => {
  const upstream = await echo()
  // All at once: Traefik waits 30 s for a login that says nothing, and has no setting for it.
  const wanted = names.length > 0 ? names : [...Object.keys(GUARDS), 'forward-auth']
  await Promise.all(wanted.map(async (name) => {
    const prove = name === 'forward-auth' ? () => forwardAuth({ bin }) : GUARDS[name].page ? open : guarded
    await prove(name, upstream.url).catch((failure) => check(name, false, failure.stack))
  }))
  await upstream.close()
})
