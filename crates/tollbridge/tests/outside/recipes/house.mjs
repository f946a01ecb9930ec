// One how-to page, running: its proxy, Tollbridge as the page configures it, an application with a login, an upstream.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Bridge, run } from '../bridge.mjs'
import { leaks } from '../canary.mjs'
import { connect } from '../sockets.mjs'
import { freePort, GUARDS, startGuard } from './guards.mjs'
import { credentials, Login } from './login.mjs'
import { unpack } from './pages.mjs'
import { request, send } from './raw.mjs'

const NAME = 'voice.example.com'

/** Where visitors come from: no proxy's address. */
export const VISITOR = '127.0.0.3'

/** The name of the header that the proxy speaks in. */
export const HEADER = 'X-Auth-Request-User'

/** A bridge whose configuration is a page's, with what no page needs to say added. */
export class PageBridge extends Bridge {
  constructor(text, env) {
    super('', { env })
    this.text = `${text}
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite:tollbridge.db"
[keys]
master_key = "file:master.key"
[log]
format = "json"
level = "debug"
`
    this.write()
  }
}

export class House {
  /**
   * Starts everything for a page; `certificate` writes cert.pem and key.pem into a folder, `more` is configuration that the
   * page leaves to others.
   */
  static async open(name, { bin, upstream, certificate, more = '' }) {
    const house = new House()
    house.name = name
    house.folder = mkdtempSync(join(tmpdir(), `tollbridge-${name}-`))
    house.port = await freePort()
    house.host = `${NAME}:${house.port}`
    const [bridge, app, spare] = [await freePort(), await freePort(), await freePort()]
    house.bridgePort = bridge
    await certificate(house.folder, NAME)
    house.ca = () => readFileSync(join(house.folder, GUARDS[name].ca ?? 'cert.pem'))
    const at = { folder: house.folder, port: house.port, host: house.host, bridge, app, spare, bin, answers: () => house.answers() }
    unpack(GUARDS[name].page ?? name, house.folder, {
      '127.0.0.1:8080': `127.0.0.1:${bridge}`,
      [`https://${NAME}`]: `https://${house.host}`,
      ...(more ? {} : { 'wss://speech.example.com/stream': upstream }),
      ...GUARDS[name].as(at),
    })
    house.app = await new Login(app, GUARDS[name].yes).start()
    const text = readFileSync(join(house.folder, 'tollbridge.toml'), 'utf8')
    house.bridge = new PageBridge(text + more, { SPEECH_KEY: 'standin-key' })
    if (more) house.bridge.mintKey = await house.bridge.apikey('mint')
    await house.bridge.start()
    house.guard = await startGuard(name, at)
    return house
  }

  /** Whether what is behind the proxy answers. */
  async answers() {
    const { status } = await this.through({ method: 'GET', target: GUARDS[this.name].ready ?? '/', body: '' })
    return status === 200
  }

  /** How to reach the proxy. */
  outside(more = {}) {
    return { port: this.port, from: VISITOR, tls: { ca: this.ca(), servername: NAME }, ...more }
  }

  /** Sends a request through the proxy. */
  through(what, more) {
    return send(typeof what === 'string' ? what : request({ host: this.host, body: '{"route":"voice"}', ...what }), this.outside(more))
  }

  /** Sends a request past the proxy, from this address. */
  past(from, what) {
    return send(request({ host: this.host, body: '{"route":"voice"}', ...what }), { port: this.bridgePort, from })
  }

  /** Logs in through the proxy: the line with the cookie. */
  async login(user) {
    const { status, headers } = await this.through({ target: '/login', body: credentials(user) })
    if (status !== 204) throw new Error(`login through ${this.name}: ${status}`)
    return `Cookie: ${headers['set-cookie'].split(';')[0]}`
  }

  /** Opens a socket through the proxy with the address that a mint returned. */
  socket(url) {
    const lookup = (_, { all }, done) => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))
    return connect(url, { origin: `https://${this.host}`, ca: this.ca(), localAddress: VISITOR, lookup })
  }

  /** What the server's log says under this name of an event. */
  events(name) {
    const lines = readFileSync(this.bridge.log, 'utf8').split('\n')
    return lines.filter((line) => line.includes(`"${name}"`) && line.endsWith('}')).map((line) => JSON.parse(line))
  }

  /** Waits for as many such events, and returns them. */
  logged(name, count, which = () => true) {
    return Bridge.until(`${count} ${name}`, 10_000, () => {
      const events = this.events(name).filter(which)
      return events.length >= count && events
    })
  }

  /**
   * Ends everything, and tells what is left of it: `names` are those who got tokens, `leaks` where the proxy's own log holds
   * one. A log that does not have the handshakes is an error.
   */
  async close() {
    await this.guard.stop()
    const log = join(this.folder, 'voice.log')
    const handshake = GUARDS[this.name].logged ?? '/v1/bridge/voice'
    if (!readFileSync(log, 'utf8').includes(handshake)) throw new Error(`${log} does not have the handshakes`)
    const found = await leaks(log, new Map())
    await this.app.stop()
    await this.bridge.close({ keep: true })
    const names = new Set(this.events('token.minted').map(({ sub }) => sub))
    for (const folder of [this.folder, this.bridge.dir]) rmSync(folder, { recursive: true })
    return { names: [...names].join(', '), leaks: found }
  }
}

/** A maker of certificates, with the interpreter that has `cryptography`. */
export const certificates = (python, script) => async (folder, name) => {
  const { code, err } = await run(python, [script, join(folder, 'cert.pem'), join(folder, 'key.pem'), name])
  if (code !== 0) throw new Error(`certificate.py: ${err}`)
}
