// What a server printed is searched for everything that must not be there.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** Shapes that give a secret away even where its text is not known. */
const SHAPES = [
  ['a token', /[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{40,}/],
  // `{"` and the first letters of a member that tokens have: an id of random letters may begin with `eyJ`, too.
  ['half a token', /eyJ(hbGci|0eXAi|raWQi|pc3Mi|hdWQi|zdWIi|jbGll|yb3V0)/],
  ['an API key', /tbk_[A-Za-z0-9]{4,}_[A-Za-z0-9_-]{20,}/],
  ['a query string', /[?&](token|access_token)=/],
]

/** What of it a log holds: "NAME at line N", each name once; never the secret itself. */
export async function leaks(path, secrets) {
  const texts = [...secrets].filter(([, text]) => text.length >= 8)
  const found = new Map()
  let number = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    number += 1
    const named = [
      ...SHAPES.filter(([, shape]) => shape.test(line)).map(([name]) => name),
      ...texts.filter(([, text]) => line.includes(text)).map(([name]) => name),
    ]
    for (const name of named) if (!found.has(name)) found.set(name, number)
  }
  return [...found].map(([name, at]) => `${name} at line ${at}`)
}
