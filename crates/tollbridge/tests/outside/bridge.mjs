// The real binary under test: a configuration in a folder of its own, `serve` on free ports, and the command line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import { leaks } from './canary.mjs'

export const binary = process.env.TOLLBRIDGE_BIN ?? 'target/release/tollbridge'

/** How long a start may take before it counts as failed, in milliseconds. */
const START_LIMIT = 15_000

/** Every process still running, so that none outlives the script. */
const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

/** Runs a command to its end: `{ code, out, err, bytes }`, its output as text and as it came. */
export async function run(command, args, { env = {}, input, signal: cut, limit = 60_000, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(child)
  const kill = () => child.kill('SIGKILL')
  const timer = setTimeout(kill, limit)
  cut?.addEventListener('abort', kill)
  const chunks = []
  let err = ''
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text))
  child.stdin.on('error', () => {}).end(input)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  cut?.removeEventListener('abort', kill)
  running.delete(child)
  const bytes = Buffer.concat(chunks)
  return { code: code ?? signal, out: bytes.toString(), err, bytes }
}

/** Starts a long-running child and reads its first lines of standard output, as `{ name: rest }`. */
export async function launch(command, args, { env = {}, names, log }) {
  const file = openSync(log, 'a')
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', file] })
  closeSync(file)
  running.add(child)
  child.once('exit', () => running.delete(child))
  const said = {}
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const [name, ...rest] = line.split(' ')
      said[name] ??= rest.join(' ')
      if (names.every((wanted) => wanted in said)) resolve(said)
    })
    child.once('exit', (code, signal) => reject(new Error(`${command} ended with ${code ?? signal} before it was ready`)))
    child.once('error', reject)
    setTimeout(() => reject(new Error(`${command} was not ready in ${START_LIMIT} ms`)), START_LIMIT).unref()
  })
  ready.catch(() => child.kill('SIGKILL'))
  return { child, lines, said: await ready }
}

export class Bridge {
  /** A folder with a configuration; `routes` is TOML, `env` is what its secret references read. */
  constructor(routes, { env = {}, level = 'trace', top = '', server = '', keys = '', tokens = '' } = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'tollbridge-outside-'))
    this.path = join(this.dir, 'tollbridge.toml')
    this.log = join(this.dir, 'server.log')
    this.env = env
    this.secrets = new Map(Object.entries(env))
    this.text = `${top}
[server]
listen = "127.0.0.1:0"
${server}

[admin]
listen = "127.0.0.1:0"

[store]
url = "sqlite:tollbridge.db"

[keys]
master_key = "file:master.key"
${keys}

[tokens]
issuer = "https://bridge.test"
${tokens}

[log]
format = "json"
level = "${level}"

[callers.backend]
type = "api_key"

${routes}`
    this.write()
  }

  /** Writes the configuration, with a last line of its own if one is given. */
  write(more = '') {
    writeFileSync(this.path, `${this.text}\n${more}\n`)
  }

  /** Makes a key in the store: the text that is shown once. */
  async apikey(scope, name = `${scope}-key`) {
    const text = (await this.must('apikey', 'create', '--name', name, '--scope', scope)).trim()
    this.secrets.set(`api key ${name}`, text)
    return text
  }

  async start() {
    const args = ['serve', '--config', this.path]
    const { child, said } = await launch(binary, args, { env: this.env, log: this.log, names: ['public', 'admin', 'config'] })
    this.child = child
    this.public = said.public
    this.admin = said.admin
    return this
  }

  /** Makes both keys and starts. */
  async open() {
    this.mintKey = await this.apikey('mint')
    this.adminKey = await this.apikey('admin')
    return this.start()
  }

  async end(signal) {
    const gone = once(this.child, 'exit')
    this.child.kill(signal)
    const [code] = await gone
    return code
  }

  kill9() {
    return this.end('SIGKILL')
  }

  /** Stops the server as an operator does, looks for secrets in all it printed, and clears up. */
  async close({ keep = false } = {}) {
    const code = await this.end('SIGTERM')
    if (code !== 0) throw new Error(`the server ended with ${code} after SIGTERM`)
    await this.silent()
    if (!keep) rmSync(this.dir, { recursive: true })
  }

  /** Fails when the server's log holds a token, a key, a credential or a query string. */
  async silent() {
    const found = await leaks(this.log, this.secrets)
    if (found.length > 0) throw new Error(`the log leaks: ${found.join('; ')}`)
  }

  /** The command line with this configuration: `{ code, out, err }`. */
  cli(...args) {
    return run(binary, [...args, '--config', this.path], { env: this.env })
  }

  /** The same, but anything other than 0 is an error. */
  async must(...args) {
    const { code, out, err } = await this.cli(...args)
    if (code !== 0) throw new Error(`tollbridge ${args.join(' ')} ended with ${code}: ${err.trim()}`)
    return out
  }

  /** One request to the admin API, as JSON. */
  async ask(path, { method = 'GET', body } = {}) {
    const headers = { authorization: `Bearer ${this.adminKey}`, 'content-type': 'application/json' }
    const answer = await fetch(`${this.admin}/admin/v1/${path}`, { method, headers, body: body && JSON.stringify(body) })
    const said = await answer.json()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said.code}: ${said.detail}`)
    return said
  }

  /** Mints a token for a route. */
  async mint(route, more = {}) {
    const answer = await fetch(`${this.public}/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.mintKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ route, ...more }),
    })
    const said = await answer.json()
    if (answer.status !== 201) throw new Error(`mint: ${answer.status} ${said.code}: ${said.detail}`)
    return said
  }

  /** Waits until something holds, or fails after so many milliseconds. */
  static async until(what, limit, holds) {
    for (const deadline = Date.now() + limit; Date.now() < deadline; await pause(50)) {
      const value = await holds()
      if (value) return value
    }
    throw new Error(`${what} did not come within ${limit} ms`)
  }
}
