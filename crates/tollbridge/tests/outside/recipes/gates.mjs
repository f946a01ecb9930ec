// The proxies of the page on forward-auth: what stands around what it shows of each, and each in front of one relay.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { WebSocketServer } from 'ws'

import { connect, Refused } from '../sockets.mjs'
import { aroundNginx, freePort, GUARDS, startGuard } from './guards.mjs'
import { unpack } from './pages.mjs'
import { send } from './visitor.mjs'

/** The page that the route of the configuration lets in. */
export const ORIGIN = 'https://app.example.com'

const NGINX = ({ folder, port }) => aroundNginx(folder, `
    access_log off;
    server {
        listen 127.0.0.1:${port};
        include ${folder}/chat.conf;
    }`)

const CADDY = ({ folder, port }) => `
{
	admin off
	auto_https off
	storage file_system ${folder}/storage
}
http://:${port} {
	bind 127.0.0.1
	import ${folder}/Caddyfile
}
`

const TRAEFIK = ({ folder, port }) => `
entryPoints: { web: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: ${folder}/chat.yml } }
global: { checkNewVersion: false }
`

const cluster = (name, port) => `
    - name: ${name}
      connect_timeout: 2s
      load_assignment:
        cluster_name: ${name}
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }]`

const indented = (text, by) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by))

const ENVOY = ({ folder, port, bridge, relay }) => `
static_resources:
  listeners:
    - name: public
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: public
                use_remote_address: true
                http_filters:
${indented(readFileSync(join(folder, 'ext_authz.yaml'), 'utf8'), 18)}
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: relay
                      domains: ["*"]
                      routes: [{ match: { prefix: /chat }, route: { cluster: relay, timeout: 0s, upgrade_configs: [{ upgrade_type: websocket }] } }]
  clusters:${cluster('tollbridge', bridge)}${cluster('relay', relay)}
`

/** What GUARDS has of each, but for what stands around a page's file; `away` is its answer when Tollbridge is not there. */
export const GATES = {
  nginx: { ...GUARDS.nginx, around: (_, at) => ['nginx.conf', NGINX(at)], away: 500 },
  caddy: { ...GUARDS.caddy, around: (_, at) => ['around.caddyfile', CADDY(at)], away: 502 },
  traefik: { ...GUARDS.traefik, around: (_, at) => ['traefik.yml', TRAEFIK(at)], away: 500 },
  envoy: { ...GUARDS.envoy, around: (_, at) => ['envoy.yaml', ENVOY(at)], away: 503 },
}

/** A team's own relay: says first what it was told of the bearer, then echoes. */
export async function ownRelay(port) {
  const http = createServer((_, answer) => answer.writeHead(426).end())
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket, { headers }) => {
    const told = Object.entries(headers).filter(([name]) => name.startsWith('x-tollbridge-'))
    socket.on('error', () => {})
    socket.send(JSON.stringify(Object.fromEntries(told)))
    socket.on('message', (bytes, binary) => socket.send(bytes, { binary }))
  })
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve))
  return { close: () => http.close().closeAllConnections() }
}

/** The page's files in a folder of their own; `ports` are of Tollbridge and of the relay. */
export function laidOut({ bridge, relay }) {
  const folder = mkdtempSync(join(tmpdir(), 'tollbridge-forward-auth-'))
  unpack('forward-auth', folder, {
    '10.0.0.4:8080': `127.0.0.1:${bridge}`,
    '10.0.0.5/32': '127.0.0.1/32',
    'tollbridge:8080': `127.0.0.1:${bridge}`,
    'relay:9000': `127.0.0.1:${relay}`,
  })
  return folder
}

export class Gate {
  /** Starts a proxy with the page's files, before a relay that is there already. */
  static async open(name, { bin, bridge, relay }) {
    const gate = new Gate()
    gate.name = name
    gate.folder = laidOut({ bridge, relay })
    gate.port = await freePort()
    const at = { folder: gate.folder, port: gate.port, bin, bridge, relay, answers: () => gate.answers() }
    gate.guard = await startGuard(name, at, GATES[name])
    return gate
  }

  /** Whether it refuses who has nothing: then it has somebody to ask. */
  async answers() {
    return (await this.enter({})).code === 401
  }

  /** Goes for the relay: the open socket, what it was told with it, or the refusal. */
  async enter({ token, headers = {}, origin = ORIGIN }) {
    const query = token ? `?room=1&token=${token}` : ''
    try {
      const socket = await connect(`ws://127.0.0.1:${this.port}/chat${query}`, { origin, headers })
      const told = JSON.parse(await socket.inbox.next())
      return { code: 101, socket, told }
    } catch (failure) {
      if (failure instanceof Refused) return failure
      throw failure
    }
  }

  /** A plain request to another address of the proxy. */
  plain(path, headers) {
    return send(`http://127.0.0.1:${this.port}${path}`, { headers })
  }

  async close() {
    await this.guard.stop()
    rmSync(this.folder, { recursive: true })
  }
}
