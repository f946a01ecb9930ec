// The files that a how-to shows, as it shows them: a test runs what a reader copies, and nothing else.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = fileURLToPath(new URL('../../../../../docs/how-to/auth/', import.meta.url))

/**
 * The fenced blocks of `docs/how-to/auth/PAGE.md` that name a file after their language (```` ```js server.mjs ````),
 * as a map of file name to text. Blocks of one name are one file, in their order.
 */
export function files(page) {
  const text = readFileSync(join(docs, `${page}.md`), 'utf8')
  const found = new Map()
  for (const [, name, body] of text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)) {
    if (name === 'test') continue
    found.set(name, `${found.get(name) ?? ''}${body}`)
  }
  return found
}

/**
 * Writes a page's files into a folder. `as` maps what the page writes to what it is here, ports above all; a text that
 * the page does not hold is an error, since then the page and the test have parted.
 */
export function unpack(page, folder, as = {}) {
  const all = files(page)
  if (all.size === 0) throw new Error(`${page}.md shows no file`)
  const unseen = new Set(Object.keys(as))
  for (const [name, text] of all) {
    let here = text
    for (const [written, meant] of Object.entries(as)) {
      if (!text.includes(written)) continue
      unseen.delete(written)
      here = here.replaceAll(written, meant)
    }
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), here)
  }
  if (unseen.size > 0) throw new Error(`${page}.md does not write ${[...unseen].join(', ')}`)
  return all
}
