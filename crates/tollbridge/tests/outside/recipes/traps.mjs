// What the pages call traps, each sprung once.

import { randomBytes } from 'node:crypto'

import { check } from '../check.mjs'
import { freePort } from '../ports.mjs'
import { App, laidOut } from './apps.mjs'
import { Place } from './place.mjs'
import { Visitor } from './visitor.mjs'
import { stage } from './walk.mjs'

/** The page's application alone, with one line of it written differently. */
async function changed(login, as, python, act) {
  const app = new App(laidOut(login.page, as), await freePort(), python)
  await app.start({ PASSWORD: login.password, SESSION_SECRET: randomBytes(24).toString('base64url') })
  try {
    await act(new Visitor(app.url))
  } finally {
    await app.close()
  }
}

async function express(login, { app }, python) {
  const probe = await new Visitor(app.url).ask('/api/whoami')
  check('express: a question about a stranger makes no session', probe.status === 401 && probe.cookies.length === 0, `${probe.status}`)
  await changed(login, { 'saveUninitialized: false': 'saveUninitialized: true' }, python, async (stranger) => {
    const { cookies } = await stranger.ask('/api/whoami')
    check('express: with saveUninitialized it makes one', cookies.length === 1, `${cookies.length} cookie`)
  })
}

async function fastify(login, { app }, python, visitor) {
  const headers = [['content-type', 'application/json']]
  const { status } = await visitor.ask('/api/voice-token', { method: 'POST', headers, origin: app.url })
  check('fastify: a JSON body with nothing in it is 400', status === 400, `${status}`)
  await changed(login, { ", secure: 'auto'": '' }, python, async (stranger) => {
    const answer = await login.login(stranger, login.password)
    check('fastify: without secure: \'auto\' a login over plain HTTP sets no cookie', answer.status === 204 && stranger.jar.size === 0, `${stranger.jar.size} cookies`)
  })
}

async function django(login, { app, place, between }, python, visitor) {
  const bare = await visitor.ask('/api/voice-token', { method: 'POST', origin: app.url })
  check('django, mode A: without X-CSRFToken it is 403', bare.status === 403, `${bare.status}`)
  const foreign = await visitor.ask('/api/voice-token', { method: 'POST', headers: login.asks(visitor), origin: 'https://evil.example' })
  check('django, mode A: from another origin it is 403', foreign.status === 403, `${foreign.status}`)
  const slid = await place.knock([['cookie', visitor.cookie]])
  const renewed = slid.cookies.some((line) => line.startsWith('sessionid='))
  check('django, mode B: the session slides: its cookie comes with the token', slid.status === 201 && renewed, `${slid.cookies.length} cookies`)

  const byName = (incoming, outgoing) => {
    incoming.headers.host = 'app:3000'
    between.pass(incoming, outgoing)
  }
  const hostless = await between.during(byName, () => place.knock([['cookie', visitor.cookie]]))
  check('django, mode B: asked by a name that is not in ALLOWED_HOSTS, everybody is refused', hostless.status === 401, `${hostless.status}`)
  await secured(login, python)
}

/** The same site with SECURE_SSL_REDIRECT, asked by a Tollbridge that the outside knows by http, and by one of https. */
async function secured(login, python) {
  const staged = await stage(login, python, { server: publicly('http'), env: { HTTPS: '1' } })
  const browser = new Visitor(staged.app.url.replace('http', 'https'))
  browser.by = staged.app.url
  browser.always = [['x-forwarded-proto', 'https']]
  await login.login(browser, login.password)
  const asked = async (place, wanted, scheme) => {
    const { status } = await place.knock([['cookie', browser.cookie]])
    check(`django, mode B: with SECURE_SSL_REDIRECT and a public_url of ${scheme} it is ${wanted}`, status === wanted && browser.jar.has('sessionid'), `${status}`)
    await place.close()
  }
  await asked(staged.place, 401, 'http')
  await asked(await new Place(staged.app.folder, { env: staged.env, server: publicly('https') }).open(), 201, 'https')
  await staged.close()
}

const publicly = (scheme) => `public_url = "${scheme}://app.example.com"`

const TRAPS = { express, fastify, django }

/** Those of one page, while its visitor is logged in. */
export const traps = async (login, staged, python, visitor) => TRAPS[login.page]?.(login, staged, python, visitor)
