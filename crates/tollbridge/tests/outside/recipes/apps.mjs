// The applications of the pages, each in a process and a folder of its own, started as its page says.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { unpack } from './pages.mjs'

const packages = fileURLToPath(new URL('../node_modules', import.meta.url))

/** How long a start may take, in milliseconds: two cores that others use as well. */
const START_LIMIT = 60_000

const running = new Set()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

const listens = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('close', () => resolve(false))
  socket.once('connect', () => socket.end())
})

/** A page's files in a folder of their own, with npm's packages beside them. */
export function laidOut(page, as) {
  const folder = mkdtempSync(join(tmpdir(), `tollbridge-${page}-`))
  unpack(page, folder, as)
  symlinkSync(packages, join(folder, 'node_modules'))
  return folder
}

export class App {
  /** Nothing runs yet. `python` is the interpreter that `python` means in start.sh. */
  constructor(folder, port, python) {
    this.folder = folder
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.path = [dirname(resolve(python)), dirname(process.execPath), process.env.PATH].join(delimiter)
    this.log = join(folder, 'app.log')
  }

  /** Runs the page's start.sh until something listens. */
  async start(env) {
    const log = openSync(this.log, 'a')
    const said = { ...process.env, NODE_ENV: 'production', PYTHONDONTWRITEBYTECODE: '1', PATH: this.path, PORT: String(this.port), ...env }
    this.child = spawn('sh', ['-eu', 'start.sh'], { cwd: this.folder, env: said, stdio: ['ignore', log, log] })
    closeSync(log)
    running.add(this.child)
    this.gone = once(this.child, 'exit')
    for (const deadline = Date.now() + START_LIMIT; !(await listens(this.port)); await pause(50)) {
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${this.folder} did not start: ${readFileSync(this.log, 'utf8').slice(-2_000)}`)
      }
    }
    return this
  }

  /** Ends it, in the middle of whatever it does. */
  async stop() {
    this.child.kill('SIGKILL')
    await this.gone
    running.delete(this.child)
  }

  /** Ends it and clears up. */
  async close() {
    await this.stop()
    rmSync(this.folder, { recursive: true })
  }
}
