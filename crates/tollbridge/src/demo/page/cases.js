// Every refusal that a visitor can bring about: how, and what a page does when it meets it.

import { ask, attempt, ended, message, mint, open } from '/demo/bridge.js'

const fresh = 'Mint a fresh token and connect again, once.'
const later = 'Back off, then mint a fresh token and connect again.'
const ours = 'Do not retry. Show that the service is misconfigured, with the id.'
const yours = 'Do not retry. It is a mistake in the page; fix it.'
const stop = 'Do not retry.'

/** Mints and waits for the end of the attempt. */
const refusedOn = async (route) => attempt((await mint(route)).url)

/** Mints, connects, does something and waits for the end. */
const endedOn = async (route, act = () => {}) => {
  const minted = await mint(route)
  const socket = await open(minted.url)
  const end = ended(socket)
  await act(socket, minted)
  return end
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export const groups = [
  {
    title: 'The token',
    cases: [
      {
        slug: 'token_missing', what: 'Connect without a token', then: yours,
        probe: async () => (await mint('echo')).url.split('?')[0],
      },
      {
        slug: 'token_invalid', what: 'Change one letter of the signature', then: fresh,
        probe: async () => {
          const { url, token } = await mint('echo')
          const at = token.lastIndexOf('.') + 10
          const other = token[at] === 'A' ? 'B' : 'A'
          return url.replace(token, token.slice(0, at) + other + token.slice(at + 1))
        },
      },
      {
        slug: 'token_expired', what: 'Wait until a token of one second is too old', then: fresh,
        run: async () => {
          const { url } = await mint('echo', 1)
          await pause(4500)
          return attempt(url)
        },
      },
      {
        slug: 'token_used', what: 'Connect twice with one token', then: fresh,
        run: async () => {
          const { url } = await mint('echo')
          const socket = await open(url)
          socket.close()
          return attempt(url)
        },
      },
      {
        slug: 'route_not_allowed', what: 'Use a token of one route on another', then: yours,
        run: async () => attempt((await mint('echo')).url.replace('/bridge/echo', '/bridge/ticks')),
      },
      {
        slug: 'revoked', what: 'Revoke the token while its session runs', then: stop,
        run: () => endedOn('ticks', (_, { jti }) => ask('/demo/revoke', { jti })),
      },
      {
        slug: 'killed', what: 'Let an operator end the session', then: stop,
        run: () => endedOn('ticks', async (socket, { jti }) => {
          await message(socket)
          await ask('/demo/kill', { jti })
        }),
      },
    ],
  },
  {
    title: 'The request',
    cases: [
      {
        slug: 'unknown_route', what: 'Ask for a route that does not exist', then: yours,
        probe: async () => (await mint('echo')).url.replace('/bridge/echo', '/bridge/nowhere'),
      },
      {
        slug: 'origin_not_allowed', what: 'Connect from a page that is not on the list', then: yours,
        run: () => refusedOn('foreign-origin'),
      },
      {
        slug: 'bad_request', what: 'Give one query parameter twice', then: yours,
        run: async () => attempt(`${(await mint('one-query-name')).url}&language=en&language=de`),
      },
      {
        slug: 'subprotocol_not_allowed', what: 'Offer a subprotocol the route does not take', then: yours,
        run: async () => attempt((await mint('one-subprotocol')).url, ['something-else']),
      },
      {
        slug: 'rate_limited', what: 'Connect a third time within a minute', then: later,
        run: async () => {
          for (let round = 0; round < 3; round += 1) {
            const socket = await open((await mint('two-a-minute')).url)
            socket.send('admitted?')
            const refused = await message(socket).then(() => undefined, (event) => event)
            if (refused) return refused
            socket.close()
          }
          throw new Error('three connections were allowed')
        },
      },
      {
        slug: 'concurrency_limit', what: 'Open a second session where one is allowed', then: later,
        run: async () => {
          const socket = await open((await mint('one-session')).url)
          const refused = await refusedOn('one-session')
          socket.close()
          return refused
        },
      },
    ],
  },
  {
    title: 'The upstream',
    cases: [
      {
        slug: 'upstream_refused', what: 'The configured key is wrong', then: ours,
        run: () => refusedOn('wrong-credential'),
      },
      {
        slug: 'upstream_unavailable', what: 'Nobody listens at the upstream', then: later,
        run: () => refusedOn('closed-port'),
      },
      {
        slug: 'upstream_timeout', what: 'The upstream never answers the handshake', then: later,
        run: () => refusedOn('silent'),
      },
      {
        slug: 'upstream_rate_limited', what: 'The upstream answers 429', then: later,
        run: () => refusedOn('busy'),
      },
      {
        slug: 'upstream_lost', what: 'The upstream vanishes without a word', then: later,
        run: () => endedOn('lost', (socket) => socket.send('hello?')),
      },
      {
        slug: 'protocol_error', what: 'The upstream sends a frame that must not be', then: stop,
        run: () => endedOn('broken-frame'),
      },
      {
        slug: 'bad_utf8', what: 'The upstream closes with a reason that is no text', then: stop,
        run: () => endedOn('broken-reason'),
      },
    ],
  },
  {
    title: 'The limits',
    cases: [
      {
        slug: 'message_too_big', what: 'Send 2 KiB where 1 KiB is the most', then: stop,
        run: () => endedOn('small-messages', (socket) => socket.send('x'.repeat(2048))),
      },
      {
        slug: 'byte_quota', what: 'Send 8 KiB where a session has 4', then: later,
        run: () => endedOn('few-bytes', (socket) => {
          for (let sent = 0; sent < 8; sent += 1) socket.send('x'.repeat(1000))
        }),
      },
      {
        slug: 'idle_timeout', what: 'Say nothing for a second', then: 'Connect again when there is something to say.',
        run: () => endedOn('short-idle'),
      },
      {
        slug: 'max_session', what: 'Stay longer than two seconds', then: 'Mint a fresh token if the visitor wants to go on.',
        run: () => endedOn('short-session'),
      },
      {
        slug: 'write_timeout', what: 'Send 24 MiB to an upstream that does not read', then: later,
        run: () => endedOn('stuck', (socket) => {
          for (let sent = 0; sent < 96; sent += 1) socket.send(new Uint8Array(256 * 1024))
        }),
      },
    ],
  },
]
