// The strict stand-ins for vendors: where they are, what they want to see, and what they saw.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const binary = process.env.VENDORS_BIN ?? 'target/debug/examples/vendors'

export class Vendors {
  #child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] })
  #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  #reported = {}

  /** Starts them; `wanted` is `{ NAME: { url, headers } }`. */
  static async start() {
    const vendors = new Vendors()
    process.on('exit', () => vendors.#child.kill('SIGKILL'))
    vendors.wanted = await vendors.#read()
    return vendors
  }

  async #read() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the vendors ended')
    return JSON.parse(value)
  }

  /** The dials of one vendor that no report has told yet. */
  async dials(name) {
    this.#child.stdin.write('report\n')
    const all = (await this.#read())[name]
    const known = this.#reported[name] ?? 0
    this.#reported[name] = all.length
    return all.slice(known)
  }

  async close() {
    this.#child.stdin.end()
    await once(this.#child, 'exit')
  }
}
