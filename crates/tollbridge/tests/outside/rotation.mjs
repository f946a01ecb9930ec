// Mint, connect and echo at full speed while keys rotate and the configuration reloads: nothing may fail. In the middle
// the active key is revoked: its tokens stop within two seconds, and no others.
//
//   node rotation.mjs [SECONDS]

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { connect, echoOnce, echoUpstream, leave, Refused } from './sockets.mjs'

const seconds = Number(process.argv[2] ?? 10)
const short = seconds < 30
const ROTATE_EVERY = short ? 3_000 : 5_000
const RELOAD_EVERY = short ? 4_000 : 7_000
const LANES = 6
/** Tokens put aside of the key that will be revoked. */
const KEPT = 60
/** Tokens put aside at the start, of a key that rotation alone retires. */
const EARLY = 15

const kidOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid

const route = (upstream) => `
[routes.echo]
upstream = "${upstream}/echo"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { x-upstream-key = "env:UPSTREAM_KEY" } }
`

/** One lane of traffic until `state.over`; failures are kept with the key that signed. */
async function traffic(bridge, lane, state) {
  for (let number = 0; !state.over; number += 1) {
    let kid
    try {
      const { token, url } = await bridge.mint('echo', { subject: `lane-${lane}` })
      kid = kidOf(token)
      state.kids.add(kid)
      await echoOnce(url, `${lane}:${number}`)
      state.done += 1
    } catch (failure) {
      state.failures.push({ kid, failure, at: Date.now() })
    }
  }
}

/** Repeats an act until `state.over`, the first time after one period. */
async function every(period, state, act) {
  for (;;) {
    for (const until = Date.now() + period; Date.now() < until;) {
      if (state.over) return
      await pause(50)
    }
    await act()
  }
}

/** What becomes of one token: "open", or the slug that refused it. */
async function tried(url) {
  try {
    await leave(await connect(url))
    return 'open'
  } catch (failure) {
    if (failure instanceof Refused) return failure.slug
    throw failure
  }
}

async function revocation(bridge, state, early) {
  const kept = [...early]
  for (let number = 0; number < KEPT; number += 1) kept.push(await bridge.mint('echo', { redeem_within: 120 }))
  const kid = kidOf(kept.at(-1).token)
  const of = kept.filter(({ token }) => kidOf(token) === kid)
  const others = kept.filter(({ token }) => kidOf(token) !== kid)
  state.revoked = kid
  await bridge.must('keys', 'revoke', kid, '--yes')
  const began = Date.now()
  let last = 'open'
  let open = 0
  while (last === 'open' && of.length > 1) {
    last = await tried(of.pop().url)
    if (last === 'open') open = Date.now() - began
    await pause(50)
  }
  const took = Date.now() - began
  check('the revoked key stops within two seconds', last !== 'open' && took <= 2_000, `${took} ms after the command ended, last one open at ${open} ms, then ${last}`)
  const rest = await Promise.all(of.map(({ url }) => tried(url)))
  check('all its tokens are refused', rest.every((slug) => slug === last), `${rest.length} tokens: ${[...new Set(rest)].join(' ')}`)
  const after = await Promise.all(others.map(({ url }) => tried(url)))
  check('no other key is touched', after.length >= EARLY && after.every((slug) => slug === 'open'), `${after.length} kept tokens of other keys`)
}

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  const upstream = await echoUpstream({ value: secret })
  const bridge = await new Bridge(route(upstream.url), { env: { UPSTREAM_KEY: secret }, level: short ? 'trace' : 'info' }).open()
  const state = { over: false, done: 0, failures: [], kids: new Set() }
  const early = []
  for (let number = 0; number < EARLY; number += 1) early.push(await bridge.mint('echo', { redeem_within: 120 }))
  let [rotations, reloads] = [0, 0]

  const lanes = Array.from({ length: LANES }, (_, lane) => traffic(bridge, lane, state))
  const acts = [
    every(ROTATE_EVERY, state, async () => {
      await bridge.must('keys', 'rotate', '--now')
      rotations += 1
    }),
    every(RELOAD_EVERY, state, async () => {
      bridge.write(`# reload ${reloads}\n[routes.echo.limits]\nidle_timeout = "${300 + reloads}s"`)
      await bridge.must('reload')
      reloads += 1
    }),
  ]
  await pause(seconds * 500)
  await Bridge.until('a rotation', 10_000, () => rotations > 0)
  // The command has ended; the server reads the new keys within half a second.
  const first = kidOf(early[0].token)
  await Bridge.until('another key', 10_000, async () => kidOf((await bridge.mint('echo')).token) !== first)
  await revocation(bridge, state, early)
  await pause(seconds * 500)
  state.over = true
  await Promise.all([...lanes, ...acts])

  measured('minted, connected and echoed', `${state.done} (${(state.done / seconds).toFixed(0)} a second)`)
  measured('rotations, reloads, keys seen', `${rotations}, ${reloads}, ${state.kids.size}`)
  const unjust = state.failures.filter(({ kid }) => kid !== state.revoked)
  check('nothing failed but tokens of the revoked key', unjust.length === 0,
    unjust.length === 0 ? `${state.failures.length} of the revoked key` : unjust.slice(0, 5).map(({ failure }) => failure.message).join('; '))
  check('keys did rotate', rotations >= Math.floor(seconds * 1000 / (ROTATE_EVERY + 4_000)) && state.kids.size > 1, `${state.kids.size} kids signed`)
  const { keys } = await bridge.ask('keys')
  check('exactly one key is active', keys.filter(({ stage }) => stage === 'active').length === 1, keys.map(({ stage }) => stage).join(' '))
  await bridge.close()
  upstream.close()
})
