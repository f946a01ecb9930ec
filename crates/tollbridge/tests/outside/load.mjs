// The load generator beside a bridge, and what the kernel says about the bridge while it runs.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from './ports.mjs'

export const wsload = process.env.WSLOAD_BIN ?? 'target/bench/bin/wsload'

const loads = new Set()
process.on('exit', () => loads.forEach((child) => child.kill('SIGKILL')))

/** A running load generator, which says a word and waits for a line at each of its stages. */
export class Load {
  #said = []
  #wake = () => {}
  #over

  constructor(command, flags) {
    const args = Object.entries(flags).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]))
    this.child = spawn(wsload, [command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.command = command
    loads.add(this.child)
    this.child.stdin.on('error', () => {})
    let err = ''
    this.child.stderr.setEncoding('utf8').on('data', (text) => (err += text))
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.#said.push(line)
      this.#wake()
    })
    this.child.once('close', (code) => {
      loads.delete(this.child)
      this.#over = new Error(`wsload ${command} ended with ${code}: ${err.trim()}`)
      this.#wake()
    })
    this.child.once('error', (failure) => {
      this.#over = failure
      this.#wake()
    })
  }

  /** The next stage, which must be this one: what it says in JSON, or undefined. */
  async stage(word, limit = 60_000) {
    const deadline = Date.now() + limit
    while (this.#said.length === 0) {
      if (this.#over) throw this.#over
      if (Date.now() > deadline) throw new Error(`wsload ${this.command}: no ${word} within ${limit} ms`)
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#wake = () => resolve(clearTimeout(timer))
      })
    }
    const line = this.#said.shift()
    const [said, rest] = line.split(/ (.*)/s)
    if (said !== word) throw new Error(`wsload ${this.command}: ${line} in place of ${word}`)
    return rest === undefined ? undefined : JSON.parse(rest)
  }

  /** Lets it go on. */
  go() {
    this.child.stdin.write('\n')
  }

  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'close')
      this.child.kill('SIGKILL')
      await gone
    }
  }
}

/** Starts the upstream that echoes, listens to voices, floods and swallows. */
export async function farSide(secret) {
  const port = await freePort()
  const load = new Load('upstream', { listen: `127.0.0.1:${port}`, secret })
  for (const deadline = Date.now() + 10_000; ; await pause(50)) {
    const answer = await fetch(`http://127.0.0.1:${port}/__stats`, { headers: { connection: 'close' } }).catch(() => undefined)
    if (answer?.ok) return { load, port, stats: async () => (await fetch(`http://127.0.0.1:${port}/__stats`)).json() }
    if (Date.now() > deadline) throw new Error('the upstream did not start')
  }
}

let files = 0

/** So many tokens for a route, one a line, in a file of the bridge's folder. */
export async function tokens(bridge, route, count) {
  files += 1
  const file = join(bridge.dir, `tokens-${files}`)
  writeFileSync(file, await bridge.must('token', 'mint', '--route', route, '--count', String(count), '--redeem-within', '600'))
  return file
}

/** Where a route's sessions go in; `{token}` is left to the load generator. */
export const entry = (bridge, route, query = '') => `${bridge.public.replace('http', 'ws')}/v1/bridge/${route}?token={token}${query}`

/** Descriptors that a process has open. */
export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length

/** Memory of a process in bytes, shared pages by their share. */
export function memory(pid) {
  const [, kib] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return Number(kib) * 1024
}

/** Processor time of a process in seconds. */
export function processor(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** What the kernel holds for all of the machine: bytes in TCP's queues, and in its own structures (slab). */
export function kernel() {
  const [, pages] = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))
  const [, slab] = /^Slab:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))
  return { tcp: Number(pages) * 4096, slab: Number(slab) * 1024 }
}

/** The metrics of a bridge as text. */
export async function metrics(bridge) {
  return (await fetch(`${bridge.admin}/metrics`, { headers: { connection: 'close' } })).text()
}

/** The sum over the lines of a metric whose labels hold all of `labels`. */
export function metric(text, name, labels = []) {
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !'{ '.includes(line[name.length])) continue
    if (labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return sum
}

/** The events of one name in a bridge's log. */
export function events(bridge, name) {
  const lines = readFileSync(bridge.log, 'utf8').split('\n').filter((line) => line.includes(`"${name}"`))
  return lines.map((line) => JSON.parse(line)).map((line) => ({ ...line, ...line.fields })).filter(({ event }) => event === name)
}

/** Waits until no session is open any more; the list is empty, too. */
export async function allGone(bridge, limit = 30_000) {
  for (const deadline = Date.now() + limit; ; await pause(200)) {
    const active = metric(await metrics(bridge), 'tollbridge_sessions_active')
    const { sessions } = await bridge.ask('sessions')
    if (active === 0 && sessions.length === 0) return { active, listed: 0 }
    if (Date.now() > deadline) return { active, listed: sessions.length }
  }
}

/** The number of descriptors once it has stood still for two seconds. */
export async function settled(pid, limit = 30_000) {
  let [last, since] = [descriptors(pid), Date.now()]
  for (const deadline = Date.now() + limit; Date.now() < deadline; await pause(100)) {
    const now = descriptors(pid)
    if (now !== last) [last, since] = [now, Date.now()]
    if (Date.now() - since > 2_000) break
  }
  return last
}

export const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`
export const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`
export const ms = (microseconds) => `${(microseconds / 1000).toFixed(2)} ms`
