// The how-to pages for those who have a login already: what they show is what runs here, in front of the real server, and
// what each caller refuses is tried against the real thing.
//
//   node recipes.mjs [PYTHON] [NAME ...]      PYTHON is an interpreter that has requirements.txt; `long` is a name

import { main } from './check.mjs'
import { LOGINS } from './recipes/logins.mjs'
import { walk } from './recipes/walk.mjs'

const [python = 'python3', ...names] = process.argv.slice(2)
const wanted = (name) => names.every((given) => given === 'long') || names.includes(name)

await main(async () => {
  for (const login of LOGINS.filter(({ page }) => wanted(page))) await walk(login, python)
})
