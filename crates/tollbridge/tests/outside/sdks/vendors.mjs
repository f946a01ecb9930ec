// The strict stand-ins for vendors: where they are, what they want to see, and what they met.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const binary = process.env.VENDORS_BIN ?? 'target/debug/examples/vendors'

/** How long a vendor may take to notice that a session is over, in milliseconds. */
const LIMIT = 5_000

export class Vendors {
  #child = spawn(binary, ['--tls'], { stdio: ['pipe', 'pipe', 'inherit'] })
  #met = new Map()

  /** Starts them; `standins` is what each is and wants, by name. */
  static async start() {
    const vendors = new Vendors()
    process.on('exit', () => vendors.#child.kill('SIGKILL'))
    const lines = createInterface({ input: vendors.#child.stdout })
    const ended = once(vendors.#child, 'exit').then(([code]) => Promise.reject(new Error(`the vendors ended with ${code}`)))
    const [first] = await Promise.race([once(lines, 'line'), ended])
    ended.catch(() => {})
    vendors.standins = JSON.parse(first)
    lines.on('line', (line) => vendors.#note(JSON.parse(line)))
    return vendors
  }

  /** A handshake, and later its ending, are one dial. */
  #note({ vendor, dial, event, ...told }) {
    const dials = this.#met.get(vendor) ?? this.#met.set(vendor, []).get(vendor)
    dials[dial] = { ...dials[dial], ...told, over: event === 'ending' || told.answered !== 101 }
  }

  /** How often one vendor was asked anything. */
  asked(vendor) {
    return this.#met.get(vendor)?.length ?? 0
  }

  /** All dials of one vendor so far, without the REST calls that it answered. */
  dials(vendor) {
    return (this.#met.get(vendor) ?? []).filter(({ answered }) => answered < 200 || answered >= 300)
  }

  /** The same beyond the first `known` of them, once there is one and all are over. */
  async fresh(vendor, known) {
    for (const deadline = Date.now() + LIMIT; Date.now() < deadline; await pause(20)) {
      const dials = this.dials(vendor).slice(known)
      if (dials.length > 0 && dials.every(({ over }) => over)) return dials
    }
    return this.dials(vendor).slice(known)
  }

  async close() {
    this.#child.stdin.end()
    await once(this.#child, 'exit')
  }
}
