// The how-to pages for those who have a login already: what they show is what runs here, in front of the real server, and
// what each caller refuses is tried against the real thing.
//
//   node recipes.mjs [PYTHON] [NAME ...]      PYTHON is an interpreter that has requirements.txt; `long` is a name

import { main } from './check.mjs'
import { LOGINS } from './recipes/logins.mjs'
import { oidc } from './recipes/oidc.mjs'
import { subrequest } from './recipes/subrequest.mjs'
import { traps } from './recipes/traps.mjs'
import { walk } from './recipes/walk.mjs'

const [python = 'python3', ...names] = process.argv.slice(2)
const wanted = (name) => names.every((given) => given === 'long') || names.includes(name)

/** The applications against which the attacks on `subrequest` are tried. */
const ATTACKED = ['express', 'django']

/** What is done to an application while somebody is logged in to it. */
async function attacked(login, staged, visitor) {
  await traps(login, staged, python, visitor)
  if (ATTACKED.includes(login.page)) await subrequest(login, staged, visitor)
}

await main(async () => {
  for (const login of LOGINS.filter(({ page }) => wanted(page))) await walk(login, python, attacked)
  if (wanted('oidc')) await oidc(python, { long: names.includes('long') })
})
