// The page on forward-auth: a bearer enters a team's own relay through each of its proxies, once, and nobody else does.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { check } from '../check.mjs'
import { leave } from '../sockets.mjs'
import { Gate, GATES, laidOut, ORIGIN, ownRelay } from './gates.mjs'
import { freePort } from './guards.mjs'
import { PageBridge } from './house.mjs'
import { request, send } from './raw.mjs'

/** A route whose tokens are easier to have. */
const CHEAP = `
[routes.cheap]
upstream = "wss://relay.invalid"
origins = ["*"]
callers = ["backend"]
`

const FORGED = { 'X-Tollbridge-Subject': 'root', 'X-Tollbridge-Jti': 'none', 'X-Tollbridge-Client-Id': 'root' }

/** What a relay has to be told about a token, and nothing else. */
function truth(told, { jti }) {
  const { 'x-tollbridge-subject': subject, 'x-tollbridge-route': route, 'x-tollbridge-jti': id, 'x-tollbridge-client-id': client, ...more } = told
  const known = subject === 'ada' && route === 'chat' && id === jti && /^backend:ak_/.test(client)
  return known && Object.keys(more).length === 0
}

/** What the reader came for. */
async function way({ name, gate }, bridge) {
  const minted = await bridge.mint('chat', { subject: 'ada' })
  const { code, socket, told } = await gate.enter({ token: minted.token })
  check(`${name}: a token enters, and the relay learns whose it is`, code === 101 && truth(told, minted), `${code} ${JSON.stringify(told)}`)
  if (!socket) return
  socket.send('bytes')
  const heard = String(await socket.inbox.next())
  socket.close(4321, 'a reason of ours')
  const end = await socket.inbox.end()
  check(`${name}: bytes and a close code pass`, heard === 'bytes' && end.code === 4321, `${heard}, ${end.code}`)
  const again = await gate.enter({ token: minted.token })
  check(`${name}: and the same token does not enter again`, again.code === 401, String(again.code))
  const { token, ...other } = await bridge.mint('chat', { subject: 'ada' })
  const borne = await gate.enter({ headers: { authorization: `Bearer ${token}` } })
  check(`${name}: a token in Authorization enters`, borne.code === 101 && truth(borne.told, other), String(borne.code))
  if (borne.socket) await leave(borne.socket)
}

/** Who must not enter; each row with a token of its own. */
async function others({ name, gate }, bridge) {
  const chat = async () => (await bridge.mint('chat', { subject: 'ada' })).token
  const cheap = async () => (await bridge.mint('cheap', { subject: 'mallory' })).token
  const good = await chat()
  const rows = [
    ['nobody enters without a token', [401], {}],
    ['nor with garbage', [401], { token: 'garbage' }],
    ['nor with one that was altered', [401], { token: `${good.slice(0, -5)}AAAAA` }],
    ['nor with one of another route', [403], { token: await cheap() }],
    // Not every proxy takes the client's header out of its question: then the two contradict each other.
    ['nor by naming that route', [400, 403, 500, 503], { token: await cheap(), headers: { 'X-Tollbridge-Route': 'cheap' } }],
    ['nor from another page', [403], { token: await chat(), origin: 'https://evil.example' }],
    ['nor with one more in Authorization', [400, 500, 503], { token: await chat(), headers: { authorization: `Bearer ${await chat()}` } }],
  ]
  for (const [what, right, row] of rows) {
    const { code, socket } = await gate.enter(row)
    check(`${name}: ${what}`, right.includes(code), String(code))
    socket?.terminate()
  }
  const spared = await gate.enter({ token: good })
  check(`${name}: none of it has cost the good token its use`, spared.code === 101, String(spared.code))
  spared.socket?.terminate()
}

/** What a client says of itself in the relay's headers. */
async function liars({ name, gate }, bridge) {
  const minted = await bridge.mint('chat', { subject: 'ada' })
  const { code, socket, told } = await gate.enter({ token: minted.token, headers: FORGED })
  check(`${name}: forged headers do not reach the relay`, code === 101 && truth(told, minted), `${code} ${JSON.stringify(told)}`)
  socket?.terminate()
  const second = await bridge.mint('chat', { subject: 'ada' })
  const named = await gate.enter({ token: second.token, headers: { 'X-Tollbridge-Route': 'root' } })
  check(`${name}: nor does a forged route`, named.code === 101 ? truth(named.told, second) : named.code >= 400, String(named.code))
  named.socket?.terminate()
  for (const path of ['/_tollbridge', '/v1/forward-auth?route=chat']) {
    const { token } = await bridge.mint('chat')
    const { status, headers } = await gate.plain(path, [['x-original-uri', `/chat?token=${token}`], ['origin', ORIGIN]])
    const said = Object.keys(headers).filter((header) => header.startsWith('x-tollbridge-'))
    const unasked = status !== 204 && said.length === 0 && (await gate.enter({ token }))
    check(`${name}: the question is not to be asked through it at ${path.split('?')[0]}`, unasked.code === 101, `${status} ${said}`)
    unasked.socket?.terminate()
  }
}

/** Past the proxies: the question itself, from who is none. */
async function direct(bridge, port) {
  const asks = async (from, lines = []) => {
    const { token } = await bridge.mint('chat')
    const all = [`X-Original-URI: /chat?token=${token}`, `Origin: ${ORIGIN}`, ...lines]
    const bytes = request({ method: 'GET', target: '/v1/forward-auth?route=chat', host: 'tollbridge', lines: all })
    return send(bytes, { port, from })
  }
  const { status: told } = await asks('127.0.0.1')
  check('forward-auth: a proxy is answered', told === 204, String(told))
  for (const lines of [[], ['X-Forwarded-For: 127.0.0.1'], ['Forwarded: for=127.0.0.1', 'X-Real-IP: 127.0.0.1']]) {
    const { status } = await asks('127.0.0.2', lines)
    check(`forward-auth: who is no proxy is not (${lines.length} more lines)`, status === 403, String(status))
  }
}

/** Goes through the page; `names` are those of its proxies. */
export async function forwardAuth({ bin, names = Object.keys(GATES) }) {
  const ports = { bridge: await freePort(), relay: await freePort() }
  const folder = laidOut(ports)
  const bridge = new PageBridge(readFileSync(join(folder, 'tollbridge.toml'), 'utf8') + CHEAP, {})
  bridge.mintKey = await bridge.apikey('mint')
  const relay = await ownRelay(ports.relay)
  await bridge.start()
  const gates = await Promise.all(names.map(async (name) => ({
    ...GATES[name],
    name: `forward-auth, ${name}`,
    gate: await Gate.open(name, { bin, ...ports }),
  })))
  await Promise.all(gates.map(async (each) => {
    await others(each, bridge)
    await way(each, bridge)
    await liars(each, bridge)
    each.open = await each.gate.enter({ token: (await bridge.mint('chat')).token })
  }))
  await direct(bridge, ports.bridge)
  const tokens = await Promise.all(gates.map(() => bridge.mint('chat')))
  await bridge.close()
  for (const [at, { name, gate, away, open }] of gates.entries()) {
    const { code } = await gate.enter({ token: tokens[at].token })
    check(`${name}: without Tollbridge nobody enters`, code === away, String(code))
    if (open?.socket) {
      open.socket.send('still here')
      const heard = String(await open.socket.inbox.next())
      check(`${name}: and who is in notices nothing`, heard === 'still here', heard)
      open.socket.terminate()
    }
    await gate.close()
  }
  relay.close()
  rmSync(folder, { recursive: true })
}
