// The how-to pages for those who have a login already: what they show is what runs here, in front of the real server, and
// what each caller refuses is tried against the real thing.
//
//   node recipes.mjs [PYTHON] [NAME ...]      PYTHON is an interpreter that has requirements.txt; `long` is a name

import { check, main } from './check.mjs'
import { browser } from './recipes/browser.mjs'
import { exchange } from './recipes/exchange.mjs'
import { hook } from './recipes/hook.mjs'
import { LOGINS } from './recipes/logins.mjs'
import { LASTING, opaque, signed } from './recipes/oidc.mjs'
import { outage } from './recipes/outage.mjs'
import { subrequest } from './recipes/subrequest.mjs'
import { traps } from './recipes/traps.mjs'
import { walk } from './recipes/walk.mjs'

const [python = 'python3', ...names] = process.argv.slice(2)
const long = names.includes('long')
const wanted = (name) => names.every((given) => given === 'long') || names.includes(name)

/** The applications against which the attacks on `subrequest` are tried. */
const ATTACKED = ['express', 'django']

/** What is done to an application while somebody is logged in to it. */
async function attacked(login, staged, visitor) {
  await traps(login, staged, python, visitor)
  if (ATTACKED.includes(login.page)) await subrequest(login, staged, visitor)
  if (login.page === 'express') await silent(staged, visitor)
}

/** The application says nothing: whoever has an API key does not notice. */
async function silent({ place, between }, visitor) {
  const mint = () => place.knock([['cookie', visitor.cookie]])
  const { url } = await place.mint('voice')
  const beside = async () => {
    const { subject } = await place.mint('voice', { subject: 'by key' })
    check('subrequest is silent: a mint by API key is answered meanwhile', subject === 'by key', subject)
  }
  await outage('subrequest is silent', { between, mint, open: url, beside, lasting: long ? LASTING : 0 })
}

const login = (name) => LOGINS.find(({ page }) => page === name)

/** What does not get in each other's way, at once: most of the time is spent waiting for who does not answer. */
const LANES = [
  async () => {
    for (const name of ['express', 'fastify', 'flask', 'fastapi']) if (wanted(name)) await walk(login(name), python, attacked)
    if (wanted('express')) await browser(login('express'), python)
  },
  async () => wanted('django') && walk(login('django'), python, attacked),
  async () => wanted('oidc') && signed(python, { long }),
  async () => wanted('oidc') && opaque(python, { long }),
  async () => wanted('hook') && hook(python),
  async () => wanted('exchange') && exchange(python),
]

await main(async () => {
  await Promise.all(LANES.map((lane) => lane()))
})
