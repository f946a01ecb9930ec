// The same over HTTP/2, where a proxy speaks it: names are in lower case there, and the path is a header.

import { once } from 'node:events'
import { connect } from 'node:http2'

import { check } from '../check.mjs'
import { isRefused } from './forgeries.mjs'

const rows = (host, cookie) => [
  ['a stranger', {}, isRefused],
  ['a stranger with the header', { 'x-auth-request-user': 'root' }, isRefused],
  ['a stranger with it twice', { 'x-auth-request-user': ['root', 'root'] }, isRefused],
  ['a stranger with underscores', { x_auth_request_user: 'root' }, isRefused],
  ['a stranger at another authority', { 'x-auth-request-user': 'root', ':authority': '127.0.0.1' }, isRefused],
  ['a stranger with a host beside', { 'x-auth-request-user': 'root', host: '127.0.0.1' }, isRefused],
  ['a stranger on the open path', { 'x-auth-request-user': 'root', ':path': '/v1/bridge/../tokens' }, isRefused],
  ['a stranger with an encoded path', { 'x-auth-request-user': 'root', ':path': '/v1/%74okens' }, isRefused],
  ['who is logged in', { cookie, 'x-auth-request-user': 'root' }, ({ status, subject }) => status === 201 && subject === 'ada'],
]

/** Sends each row; a proxy that does not offer HTTP/2 is left alone. */
export async function overHttp2(house, line) {
  const { port, from, tls } = house.outside()
  const session = connect(`https://127.0.0.1:${port}`, { ...tls, localAddress: from, ALPNProtocols: ['h2', 'http/1.1'] })
  session.on('error', () => {})
  const speaks = await Promise.race([once(session, 'connect').then(() => true, () => false), once(session, 'close').then(() => false)])
  if (!speaks) return
  const bad = []
  const all = rows(house.host, line.replace('Cookie: ', ''))
  for (const [name, headers, right] of all) {
    const answer = await ask(session, house.host, headers)
    if (!right(answer)) bad.push(`${name}: ${answer.status} ${answer.subject ?? ''}`)
  }
  session.close()
  check(`${house.name}: ${all.length} requests over HTTP/2 name nobody else`, bad.length === 0, bad.join('; '))
}

async function ask(session, host, headers) {
  const stream = session.request({
    ':method': 'POST', ':path': '/v1/tokens', ':authority': host, 'content-type': 'application/json', ...headers,
  })
  let status = 0
  let text = ''
  stream.on('response', (head) => (status = head[':status']))
  stream.setEncoding('utf8').on('data', (more) => (text += more))
  stream.on('error', () => {}) // a stream that is reset is an answer, too
  stream.end('{"route":"voice"}')
  await new Promise((resolve) => stream.once('close', resolve))
  return { status, body: text, subject: status === 201 ? JSON.parse(text).subject : undefined }
}
