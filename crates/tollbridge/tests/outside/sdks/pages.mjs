// The pages in which SDKs run: bundled from npm as a developer's bundler does it, and served from an origin of their own.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))

/** One script that sets `exchange`, a function of bridge, token and packets. */
async function bundled({ file, npm }) {
  const contents = `
    import { run } from './page.mjs'
    import exchange from './${file}.mjs'
    globalThis.exchange = (given) => run(exchange, given)`
  const alias = npm === 'openai6' ? { openai: npm } : {} // npm's name for an older one beside the newest
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here }, absWorkingDir: dirname(here), alias,
    bundle: true, write: false, platform: 'browser', format: 'iife', legalComments: 'none', logLevel: 'error',
  })
  return outputFiles[0].text
}

const document = (exchange) => `<!doctype html>
<meta charset="utf-8">
<title>${exchange.name}</title>
<style>body { font: 16px/1.5 system-ui; margin: 2rem } pre { white-space: pre-wrap; overflow-wrap: anywhere }</style>
<h1>${exchange.name}</h1>
<pre></pre>
<script src="/${exchange.name}.js"></script>`

/** Serves every exchange's page at `/NAME`: `{ origin, close }`. */
export async function servePages(exchanges) {
  const scripts = new Map()
  const scriptOf = (exchange) => scripts.get(exchange) ?? scripts.set(exchange, bundled(exchange)).get(exchange)
  const server = createServer(async ({ url }, answer) => {
    const exchange = exchanges.find(({ name }) => url === `/${name}` || url === `/${name}.js`)
    if (!exchange) return answer.writeHead(404).end()
    const script = url.endsWith('.js')
    answer.setHeader('content-type', script ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8')
    answer.end(script ? await scriptOf(exchange) : document(exchange))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close().closeAllConnections() }
}
