// What somebody sends who wants to mint in another's name, or in anybody's: `root` is nobody's name here.
//
// A row is what is sent (see `request` in raw.mjs) and the statuses that are right. `cookie` rows are sent twice: by a
// stranger, and by somebody who is logged in and may then mint, in their own name alone.

import { HEADER } from './house.mjs'

const FORGED = `${HEADER}: root`
const BODY = '{"route":"voice"}'

/** How the header itself is written. A stranger gets 401, or 400 where the request is no HTTP. */
const HEADERS = {
  'as it is': [FORGED],
  'in lower case': ['x-auth-request-user: root'],
  'in capitals': ['X-AUTH-REQUEST-USER: root'],
  'in odd case': ['x-Auth-REQUEST-user: root'],
  'twice': [FORGED, FORGED],
  'twice, in two cases': [FORGED, 'x-auth-request-user: ada'],
  'with underscores': ['X_Auth_Request_User: root'],
  'half with underscores': ['X-Auth_Request-User: root'],
  'named in Connection': ['Connection: close, X-Auth-Request-User', FORGED],
  'named in Connection alone': ['Connection: close, X-Auth-Request-User'],
  'named in Proxy-Connection': ['Proxy-Connection: X-Auth-Request-User', FORGED],
  'empty': [`${HEADER}:`],
  'of 300 characters': [`${HEADER}: ${'r'.repeat(300)}`],
  'of 60,000 characters': [`${HEADER}: ${'r'.repeat(60_000)}`],
  'with a control character': [`${HEADER}: ro\x01ot`],
  'with a zero byte': [`${HEADER}: root\0`],
  'with a blank before the colon': [`${HEADER} : root`],
  'in a folded line': [`X-Other: a\r\n ${FORGED}`],
  'behind a bare line feed': [`X-Other: a\n${FORGED}`],
  'behind a bare carriage return': [`X-Other: a\r${FORGED}`],
  'as groups': ['X-Auth-Request-Groups: admin'],
  'by other names': ['Remote-User: root', 'X-Forwarded-User: root', 'X-Auth-Request-Email: root', 'X-WEBAUTH-USER: root'],
  'with another path for the proxy': [FORGED, 'X-Original-URL: /v1/bridge/voice', 'X-Forwarded-Uri: /v1/bridge/voice'],
  'with another method for the proxy': [FORGED, 'X-HTTP-Method-Override: GET', 'X-Forwarded-Method: GET'],
  'as if from the proxy': [FORGED, 'X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1', 'Forwarded: for=127.0.0.1'],
}

const chunked = (trailer) => `11\r\n${BODY}\r\n0\r\n${trailer}\r\n\r\n`

/** Rows for strangers and for who is logged in: the latter may be refused, or mint as themselves. */
export const forged = [
  ...Object.entries(HEADERS).map(([how, lines]) => (
    { name: `the header ${how}`, what: { lines }, stranger: [401, 400, 431], known: [201, 401, 400, 431] }
  )),
  {
    name: 'the header in a trailer',
    what: { lines: ['Transfer-Encoding: chunked', 'Trailer: X-Auth-Request-User'], body: chunked(FORGED), framed: true },
    stranger: [401, 400],
    known: [201, 400, 401],
  },
  { name: 'the header over HTTP/1.0', what: { lines: [FORGED], version: '1.0' }, stranger: [401, 400, 426], known: [201, 401, 426] },
  { name: 'another subject in the body', what: { body: '{"route":"voice","subject":"root"}' }, stranger: [401], known: [403, 422] },
  { name: 'a foreign page', what: { lines: ['Origin: https://evil.example'] }, stranger: [401], known: [403] },
  { name: 'a page without an origin', what: { lines: ['Origin: null'] }, stranger: [401], known: [403] },
  { name: 'a form', what: { type: 'application/x-www-form-urlencoded', body: 'route=voice' }, stranger: [401], known: [415] },
  { name: 'a form that says JSON as text', what: { type: 'text/plain' }, stranger: [401], known: [415] },
]

/** Where else the mint might be found, or be found unguarded; all with the header forged and without a login. */
export const targets = (host) => [
  '//v1/tokens', '/v1//tokens', '/v1/./tokens', '/./v1/tokens', '/v1/tokens/', '/v1/tokens/.', '/V1/TOKENS', '/v1/Tokens',
  '/v1/%74okens', '/%76%31/tokens', '/v1%2ftokens', '/v1%2Ftokens', '/v1/%2574okens',
  '/v1/tokens;x', '/v1;x/tokens', '/v1/tokens%00', '/v1/tokens%20', '/v1/tokens%3b', '/v1/tokens%0d%0a',
  '/v1/tokens?x=/v1/bridge/voice', '/v1/tokens#/v1/bridge/voice', '/v1/tokens?', '/v1\\tokens', '\\v1\\tokens',
  '/v1/bridge/../tokens', '/v1/bridge/voice/../../tokens', '/v1/bridge/%2e%2e/tokens', '/v1/bridge/.%2e/tokens',
  '/v1/bridge/..%2ftokens', '/v1/bridge/%2e%2e%2ftokens', '/v1/bridge/..;/tokens', '/v1/bridge/..%5ctokens',
  '/v1/bridge\\..\\tokens', '/v1/bridge/..%252ftokens',
  '/x/../v1/tokens', '/login/../v1/tokens', '/%2e/v1/tokens', '/%2fv1/tokens',
  '/v1/realtime/client_secrets', '/v1/realtime/%63lient_secrets', '/v1/oauth/token', '/v1/forward-auth',
  `https://${host}/v1/tokens`, `http://${host}/v1/tokens`, 'http://127.0.0.1/v1/tokens',
  'https://evil.example/v1/tokens', `https://${host}/v1/bridge/../tokens`,
  'v1/tokens', '*', host,
]

/** Whether an answer is none of ours: an error, a redirect, or the empty page of a proxy that knows no such host. */
export const isRefused = ({ status, body }) => status === 0 || status >= 300 || (status === 200 && body === '')

/** Whole requests that hide another one, on the open path: `hidden` mints as root if anybody takes it for a request. */
export function smuggled(host) {
  const text = (first, lines, body) => `${[`${first} HTTP/1.1`, `Host: ${host}`, ...lines].join('\r\n')}\r\n\r\n${body}`
  const hidden = text('POST /v1/tokens', [FORGED, 'Content-Type: application/json', `Content-Length: ${BODY.length}`], BODY)
  const open = (lines, body, method = 'POST') => text(`${method} /v1/bridge/voice`, lines, body)
  const whole = `0\r\n\r\n${hidden}`
  const length = `Content-Length: ${whole.length}`
  const te = 'Transfer-Encoding: chunked'
  const key = ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Connection: Upgrade', 'Upgrade: websocket']
  const upgrade = [...key, 'Sec-WebSocket-Version: 13']
  const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA']
  return {
    'a length and chunks': open([length, te], whole),
    'chunks and a length': open([te, length], whole),
    'a short length and chunks': open(['Content-Length: 4', te], `${(hidden.length).toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
    'chunks with a blank before the colon': open([length, 'Transfer-Encoding : chunked'], whole),
    'chunks misspelt': open([length, 'Transfer-Encoding: xchunked'], whole),
    'chunks twice': open([length, te, 'Transfer-Encoding: identity'], whole),
    'chunks behind a tab': open([length, 'Transfer-Encoding:\tchunked'], whole),
    'chunks behind a vertical tab': open([length, 'Transfer-Encoding: \x0bchunked'], whole),
    'chunks with underscores': open([length, 'Transfer_Encoding: chunked'], whole),
    'chunks in HTTP/1.0': open([length, te], whole).replace('HTTP/1.1', 'HTTP/1.0'),
    'a chunk size that overflows': open([te], `10000000000000005\r\nhello\r\n${whole}`),
    'a chunk extension with a line feed': open([te], `5;a\nb\r\nhello\r\n${whole}`),
    'two lengths': open(['Content-Length: 0', `Content-Length: ${hidden.length}`], hidden),
    'a list of lengths': open([`Content-Length: 0, ${hidden.length}`], hidden),
    'a length with a sign': open(['Content-Length: +0'], hidden),
    'a body with GET': open([`Content-Length: ${hidden.length}`], hidden, 'GET'),
    'an upgrade that is refused': open(upgrade, hidden, 'GET'),
    'an upgrade of an unknown version': open([...key, 'Sec-WebSocket-Version: 777'], hidden, 'GET'),
    'an upgrade with a body': open([...upgrade, `Content-Length: ${hidden.length}`], hidden, 'GET'),
    'an upgrade to h2c': open(h2c, hidden, 'GET'),
    'an upgrade by POST': open(upgrade, hidden),
    'one request behind the other': open(['Content-Length: 0'], hidden),
  }
}
