// kill -9 at random moments, while tokens are minted and used, keys rotate and are revoked, and operators act. After every
// restart: no key is lost, no used token opens anything, the database is whole, every acknowledged act is in the audit log.
//
//   node chaos.mjs [KILLS]

import { randomBytes, randomInt } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { binary, Bridge, run } from './bridge.mjs'
import { check, main, measured } from './check.mjs'
import { connect, echoOnce, echoUpstream, leave, Refused } from './sockets.mjs'

const kills = Number(process.argv[2] ?? 8)
const LANES = 3
/** How many of the tokens used last are tried again after a restart. */
const RETRIED = 40

const route = (upstream) => `
[routes.echo]
upstream = "${upstream}/echo"
origins = ["*"]
callers = ["backend"]
credentials = { headers = { x-upstream-key = "env:UPSTREAM_KEY" } }
`

/** What was acknowledged so far. */
class Ledger {
  acts = new Map()
  kids = new Set()
  revokedKids = new Set()
  apikeys = new Map()
  used = []
  redeemed = 0
  number = 0

  /** A reason that no other act has. */
  reason() {
    this.number += 1
    return `chaos-${this.number}`
  }
}

async function traffic(bridge, ledger, life, lane) {
  for (let number = 0; !life.over; number += 1) {
    try {
      const { url } = await bridge.mint('echo', { redeem_within: 600, subject: `lane-${lane}` })
      const socket = await connect(url)
      ledger.used.push(new URL(url))
      ledger.redeemed += 1
      socket.send(`${lane}:${number}`)
      await socket.inbox.next()
      if (number % 3 > 0) await leave(socket) // every third stays open and is cut
    } catch {
      await pause(10) // a killed server refuses; only what it acknowledged counts
    }
  }
}

/** Everything an operator may do; each returns what it has acknowledged. */
const ACTS = {
  async rotateByHand(ledger, tool) {
    const reason = ledger.reason()
    const { kid } = JSON.parse(await tool('keys', 'rotate', '--now', '--json', '--reason', reason))
    ledger.kids.add(kid)
    ledger.acts.set(reason, 'keys rotate --now')
  },
  async rotateByApi(ledger, _, bridge) {
    const reason = ledger.reason()
    const { kid } = await bridge.ask('keys/rotate', { method: 'POST', body: { now: true, reason } })
    ledger.kids.add(kid)
    ledger.acts.set(reason, 'POST keys/rotate')
  },
  async revokeByHand(ledger, tool, bridge) {
    const kid = await someKey(bridge)
    const reason = ledger.reason()
    await tool('keys', 'revoke', kid, '--yes', '--reason', reason)
    ledger.revokedKids.add(kid)
    ledger.acts.set(reason, 'keys revoke')
  },
  async revokeByApi(ledger, _, bridge) {
    const kid = await someKey(bridge)
    const reason = ledger.reason()
    await bridge.ask(`keys/${kid}/revoke`, { method: 'POST', body: { reason } })
    ledger.revokedKids.add(kid)
    ledger.acts.set(reason, 'POST keys/KID/revoke')
  },
  async revokeSubject(ledger, _, bridge) {
    const reason = ledger.reason()
    await bridge.ask('revocations', { method: 'POST', body: { subject: 'nobody', reason } })
    ledger.acts.set(reason, 'POST revocations')
  },
  async makeApiKey(ledger, tool) {
    const name = ledger.reason()
    const text = (await tool('apikey', 'create', '--name', name, '--scope', 'viewer')).trim()
    ledger.apikeys.set(name, text)
    ledger.acts.set(name, 'apikey create')
  },
}

/** A key that is neither staged nor revoked: now and then the active one. */
async function someKey(bridge) {
  const { keys } = await bridge.ask('keys')
  const live = keys.filter(({ stage, revoked_at: revoked }) => !revoked && (stage === 'active' || stage === 'retiring'))
  return live[randomInt(live.length)].kid
}

async function operators(bridge, ledger, life) {
  const tool = async (...args) => {
    const { code, out } = await run(binary, [...args, '--config', bridge.path], { env: bridge.env, signal: life.signal })
    if (code !== 0) throw new Error(`ended with ${code}`)
    return out
  }
  const names = Object.keys(ACTS)
  while (!life.over) {
    try {
      await ACTS[names[randomInt(names.length)]](ledger, tool, bridge)
    } catch {
      await pause(10) // refused or cut: not acknowledged
    }
  }
}

/** The database as the kill left it, judged on a copy so that the server itself must recover the original. */
async function integrity(bridge) {
  const copy = mkdtempSync(join(tmpdir(), 'tollbridge-chaos-'))
  for (const suffix of ['', '-wal']) {
    const file = `tollbridge.db${suffix}`
    if (existsSync(join(bridge.dir, file))) cpSync(join(bridge.dir, file), join(copy, file))
  }
  const script = 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchall()[0][0])'
  const { out, err } = await run('python3', ['-c', script, join(copy, 'tollbridge.db')])
  rmSync(copy, { recursive: true })
  return out.trim() || err.trim()
}

async function auditReasons(bridge) {
  const reasons = new Set()
  for (let before; ;) {
    const { entries } = await bridge.ask(`audit?limit=1000${before === undefined ? '' : `&before=${before}`}`)
    if (entries.length === 0) return reasons
    for (const { why } of entries) reasons.add(why)
    before = Math.min(...entries.map(({ seq }) => seq))
  }
}

/** Everything that must hold after a restart; a list of what does not. */
async function faults(bridge, ledger) {
  const found = []
  const { keys } = await bridge.ask('keys')
  const by = new Map(keys.map((key) => [key.kid, key]))
  const active = keys.filter(({ stage }) => stage === 'active').length
  if (active !== 1) found.push(`${active} active keys`)
  for (const kid of ledger.kids) if (!by.has(kid)) found.push(`key ${kid} is lost`)
  for (const kid of ledger.revokedKids) if (!by.get(kid)?.revoked_at) found.push(`key ${kid} is no longer revoked`)

  const { apikeys } = await bridge.ask('apikeys')
  const names = new Set(apikeys.map(({ name }) => name))
  for (const name of ledger.apikeys.keys()) if (!names.has(name)) found.push(`API key ${name} is lost`)

  const reasons = await auditReasons(bridge)
  for (const [reason, act] of ledger.acts) {
    if (reasons.has(reason)) continue
    found.push(`${act} (${reason}) is not in the audit log`)
    ledger.acts.delete(reason) // said once is enough
  }

  const again = ledger.used.slice(-RETRIED).map(async (url) => {
    try {
      await leave(await connect(bridge.public.replace('http', 'ws') + url.pathname + url.search))
      found.push('a used token opened a session')
    } catch (failure) {
      if (!(failure instanceof Refused) || ![401, 409, 410].includes(failure.code)) found.push(`a used token: ${failure.message}`)
    }
  })
  await Promise.all(again)
  await echoOnce((await bridge.mint('echo')).url, 'still here').catch((failure) => found.push(`a fresh token: ${failure.message}`))
  return found
}

await main(async () => {
  const secret = randomBytes(24).toString('base64url')
  const upstream = await echoUpstream({ value: secret })
  const bridge = await new Bridge(route(upstream.url), { env: { UPSTREAM_KEY: secret }, level: 'info' }).open()
  const ledger = new Ledger()
  const starts = []
  let [wrong, whole] = [0, 0]
  for (let round = 1; round <= kills; round += 1) {
    const cut = new AbortController()
    const life = { over: false, signal: cut.signal }
    const disorder = [operators(bridge, ledger, life), operators(bridge, ledger, life),
      ...Array.from({ length: LANES }, (_, lane) => traffic(bridge, ledger, life, lane))]
    await pause(randomInt(100, 3_500))
    await bridge.kill9()
    life.over = true
    if (randomInt(2) === 1) cut.abort() // half of the time the command line dies with the server
    await Promise.all(disorder)

    const verdict = await integrity(bridge)
    if (verdict === 'ok') whole += 1
    else console.log(`     kill ${round}: integrity_check says ${verdict}`)
    const began = Date.now()
    await bridge.start()
    starts.push(Date.now() - began)
    const found = await faults(bridge, ledger)
    wrong += found.length
    if (found.length > 0) console.log(`     kill ${round}: ${[...new Set(found)].join('; ')}`)
  }
  for (const [name, text] of ledger.apikeys) bridge.secrets.set(name, text)
  measured('kills', kills)
  measured('slowest restart', `${Math.max(...starts)} ms`)
  measured('sessions opened', ledger.redeemed)
  measured('acknowledged acts', `${ledger.acts.size} (${[...new Set(ledger.acts.values())].join(', ')})`)
  check('every restart succeeded', starts.length === kills, `${starts.length} of ${kills}`)
  check('the database was whole after every kill', whole === kills, `${whole} of ${kills}`)
  check('nothing was lost and nothing came back', wrong === 0, `${wrong} faults`)
  check('there was something to lose', ledger.acts.size > kills / 4 && ledger.redeemed > kills, `${ledger.acts.size} acts`)
  await bridge.close()
  upstream.close()
})
