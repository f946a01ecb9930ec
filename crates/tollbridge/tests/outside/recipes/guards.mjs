// The proxies of the how-to pages: how each is started from the files that its page shows.

import { spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'

import { Bridge, run } from '../bridge.mjs'

const paths = ['/usr/sbin', '/sbin']
const env = { ...process.env, PATH: [process.env.PATH, ...paths].join(delimiter) }
const running = new Set()
// A killed master of nginx leaves its workers behind; asked politely it takes them along.
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')))

/** What stands around a page's file in a folder of one's own, without root, on a port that is free. */
export const aroundNginx = (folder, inner) => `
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
    client_body_temp_path ${folder}/body;
    proxy_temp_path       ${folder}/proxy;
    fastcgi_temp_path     ${folder}/fastcgi;
    uwsgi_temp_path       ${folder}/uwsgi;
    scgi_temp_path        ${folder}/scgi;
${inner}
}
`

// Caddy gets its certificate from an authority of its own here, as it would from a public one.
const AROUND_CADDY = (folder, { port, spare }) => `
{
	admin off
	http_port ${spare}
	https_port ${port}
	auto_https disable_redirects
	local_certs
	skip_install_trust
	storage file_system ${folder}/storage
}
import ${folder}/Caddyfile
`

const ENVOY = ['--concurrency', '1', '--disable-hot-restart', '-l', 'warning']
const NGINX = {
  around: (folder) => ['nginx.conf', aroundNginx(folder, `    include ${folder}/voice.conf;`)],
  command: ({ folder }) => ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
  version: () => ['nginx', '-v'],
}

/**
 * Each with what its page writes that is elsewhere here (`as`), what stands around its files, and its command; `bin` is
 * where the wheels' programs are. Then what is peculiar: the `page` of another name, the address that is `ready` first, the
 * `ca` of its certificate, how its log shows a handshake (`logged`), what it takes for a `yes`, whether its version is ours to
 * choose (`pinned`).
 */
export const GUARDS = {
  'run-behind-nginx': {
    page: '../run-behind-nginx',
    ready: '/livez',
    as: (at) => nginx(at),
    ...NGINX,
  },
  nginx: {
    as: ({ app, ...at }) => ({ ...nginx(at), ...login(app) }),
    ...NGINX,
  },
  caddy: {
    pinned: true,
    as: ({ folder, app }) => ({ '/var/log/caddy': folder, ...login(app) }),
    around: (folder, ports) => ['around.caddyfile', AROUND_CADDY(folder, ports)],
    command: ({ folder, bin }) => [join(bin, 'caddy'), 'run', '--config', join(folder, 'around.caddyfile'), '--adapter', 'caddyfile'],
    version: (bin) => [join(bin, 'caddy'), 'version'],
    ca: 'storage/pki/authorities/local/root.crt',
  },
  traefik: {
    pinned: true,
    as: ({ folder, port, app }) => ({
      ':443': `127.0.0.1:${port}`,
      '/var/log/traefik': folder,
      '/etc/traefik': folder,
      ...login(app),
      ...certificate(folder),
    }),
    command: ({ folder, bin }) => [join(bin, 'traefik'), `--configfile=${join(folder, 'traefik.yml')}`],
    version: (bin) => [join(bin, 'traefik'), 'version'],
    logged: 'bridge@file',
  },
  envoy: {
    pinned: true,
    as: ({ folder, port, bridge, app }) => ({
      'address: 0.0.0.0, port_value: 443': `address: 127.0.0.1, port_value: ${port}`,
      'port_value: 8080': `port_value: ${bridge}`,
      'port_value: 3000': `port_value: ${app}`,
      '/var/log/envoy': folder,
      ...certificate(folder),
    }),
    command: ({ folder, bin }) => [join(bin, 'envoy'), '-c', join(folder, 'envoy.yaml'), ...ENVOY],
    version: (bin) => [join(bin, 'envoy'), '--version'],
    yes: 200,
  },
}

const nginx = ({ folder, port }) => ({ 'listen 443': `listen 127.0.0.1:${port}`, '/var/log/nginx': folder, ...certificate(folder) })
const login = (port) => ({ '127.0.0.1:3000': `127.0.0.1:${port}` })
const certificate = (folder) => ({ '/etc/ssl/voice.crt': join(folder, 'cert.pem'), '/etc/ssl/voice.key': join(folder, 'key.pem') })

/** The version that a proxy says it is. */
export async function versionOf(name, bin) {
  const [command, ...args] = GUARDS[name].version(bin)
  const { out, err } = await run(command, args, { env })
  return /\d+\.\d+\.\d+/.exec(out + err)?.[0] ?? 'unknown'
}

/** Starts one with its files in `folder`, and waits until it listens. */
export async function startGuard(name, at, guard = GUARDS[name]) {
  const [file, text] = guard.around?.(at.folder, at) ?? []
  if (file) writeFileSync(join(at.folder, file), text)
  const [command, ...args] = guard.command(at)
  const log = openSync(join(at.folder, 'proxy.log'), 'a')
  const child = spawn(command, args, { env, cwd: at.folder, stdio: ['ignore', log, log] })
  closeSync(log)
  running.add(child)
  let failure
  child.once('error', (error) => (failure = error))
  child.once('exit', (code, signal) => {
    running.delete(child)
    failure ??= new Error(`${name} ended with ${code ?? signal}: see ${join(at.folder, 'proxy.log')}`)
  })
  await Bridge.until(`${name}`, 30_000, async () => {
    if (failure) throw failure
    return at.answers().catch(() => false) // no authority yet, nobody there yet
  })
  return {
    async stop() {
      if (failure) throw failure
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await gone
      clearTimeout(killer)
    },
  }
}

const given = new Set()

/** A port that nobody listens on and nobody was given, outside the range from which the kernel takes its own. */
export async function freePort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000)
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => (free ? server.close(resolve) : resolve()))
    if (free) return port
  }
}
