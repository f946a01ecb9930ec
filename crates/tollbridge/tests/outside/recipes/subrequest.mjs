// What the caller `subrequest` refuses, tried against the application of a page.

import { moods } from './between.mjs'
import { attacks, enough, unasked, unheard } from './table.mjs'
import { send, Visitor } from './visitor.mjs'

/** Where each application serves a login page with 200, and where it redirects a stranger to it. */
const PLACES = {
  express: { page: '/', forged: 'connect.sid=s%3Aforged.c2lnbmF0dXJl' },
  django: { page: '/accounts/login/', redirect: '/account/', forged: 'sessionid=0123456789abcdefghijklmnopqrstuv' },
}

/** What a client would like the application to believe. */
const SPOOFED = {
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-uri': '/',
  'x-forwarded-for': '8.8.8.8',
  'x-forwarded-method': 'GET',
  accept: 'text/html',
}

const endless = (_, outgoing) => outgoing.socket.write(`HTTP/1.1 204 No Content\r\nx-user-id: ada\r\nx-more: ${'x'.repeat(1 << 20)}`)

const PREFLIGHT = [
  ['origin', 'https://evil.example'],
  ['access-control-request-method', 'POST'],
  ['access-control-request-headers', 'content-type'],
]

/** The table for one application, while `visitor` is logged in there. */
export async function subrequest(login, { app, place, between }, visitor) {
  const { page, redirect, forged } = PLACES[login.page]
  const name = `${login.page}, subrequest`
  const good = () => place.knock([['cookie', visitor.cookie]])
  const other = new Visitor(app.url)
  await login.login(other, login.password)
  const loggedOut = other.copy()
  await login.logout(other)

  /** One mint while the application, or what stands before it, is in this mood; and the same where nobody can say. */
  const while_ = (mood, act = good) => () => between.during(mood, act)
  const outage = (mood) => unheard((asks) => between.during(mood, asks), good)
  /** Asks the real application at another of its addresses. */
  const at = (path) => (incoming, outgoing) => between.pass(incoming, outgoing, { path })
  const says = (headers, status = 204) => moods.status(status, headers)
  const silently = (headers) => unasked(between, () => place.knock(headers))
  const headersSeen = async (headers) => {
    let seen
    const answer = await between.during((incoming, outgoing) => {
      seen = incoming.headers
      between.pass(incoming, outgoing)
    }, () => place.knock([['cookie', visitor.cookie], ...headers]))
    return { answer, seen }
  }

  const table = [
    ['a good cookie', 201, good],
    ['no cookie', [401, 'no credential'], silently([])],
    ['an empty cookie', [401, 'no credential'], silently([['cookie', '']])],
    ['a forged cookie', [401, 'refused'], () => place.knock([['cookie', forged]])],
    ['a cookie of something else', [401, 'refused'], () => place.knock([['cookie', 'theme=dark']])],
    ['the cookie of a session that was logged out', [401, 'refused'], () => place.knock([['cookie', loggedOut.cookie]])],
    ['two Cookie headers, both good', [401, 'ambiguous'], silently([['cookie', visitor.cookie], ['cookie', visitor.cookie]])],
    ['a bad API key beside a good cookie', [401, 'malformed'], silently([['cookie', visitor.cookie], ['x-api-key', 'tbk_guess']])],
    ['a cookie of 20,000 letters', [401, 'refused'], () => place.knock([['cookie', `a=${'x'.repeat(20_000)}`]])],
    ['the login page with status 200', [401, 'no_subject'], while_(at(page), () => place.knock([['cookie', 'theme=dark']]))],
    ...(redirect ? [['login_required, which redirects', [401, 'refused'], while_(at(redirect), () => place.knock([['cookie', 'theme=dark']]))]] : []),
    ['a redirect that names a subject', [401, 'refused'], while_(moods.redirect('/accounts/login/', { 'x-user-id': 'mallory' }))],
    ['a redirect to somewhere that says yes', [401, 'refused'], while_(moods.redirect(`${app.url}/api/whoami`))],
    ['403 of the application', [401, 'refused'], while_(says({ 'x-user-id': 'mallory' }, 403))],
    ['404 of the application', [401, 'refused'], while_(says({ 'x-user-id': 'mallory' }, 404))],
    ['a yes without a subject', [401, 'no_subject'], while_(says({}))],
    ['a yes with an empty subject', [401, 'no_subject'], while_(says({ 'x-user-id': '' }))],
    ['a yes with two subjects', [401, 'ambiguous'], while_(says({ 'x-user-id': ['ada', 'mallory'] }))],
    ['a yes with a subject of 300 letters', [401, 'no_subject'], while_(says({ 'x-user-id': 'x'.repeat(300) }))],
    ['a page of another origin', [403, 'a page of another origin'], () => place.knock([['cookie', visitor.cookie]], { origin: 'https://evil.example' })],
    ['a page of no origin (a sandboxed frame)', [403, 'a page of another origin'], () => place.knock([['cookie', visitor.cookie]], { origin: 'null' })],
    ['a page of the same name with another port', [403, 'a page of another origin'], () => place.knock([['cookie', visitor.cookie]], { origin: 'https://app.example.com:8443' })],
    ['two origins, one good', [403, 'a page of another origin'], () => place.knock([['cookie', visitor.cookie], ['origin', 'https://evil.example']])],
    ['a form', 415, () => place.knock([['cookie', visitor.cookie], ['content-type', 'application/x-www-form-urlencoded']], { body: 'route=voice' })],
    ['a form that sends JSON as text/plain', 415, () => place.knock([['cookie', visitor.cookie], ['content-type', 'text/plain']], { body: '{"route":"voice"}' })],
    ['a preflight of another origin', 403, async () => {
      const answer = await send(`${place.public}/v1/tokens`, { method: 'OPTIONS', headers: PREFLIGHT })
      return { answer, also: !Object.keys(answer.headers).some((header) => header.startsWith('access-control-')) }
    }],
    ['a subject in the request', 422, () => place.knock([['cookie', visitor.cookie]], { body: { route: 'voice', subject: 'mallory' } })],
    ['an x-user-id of the client, without a login', [401, 'refused'], () => place.knock([['cookie', 'theme=dark'], ['x-user-id', 'mallory']])],
    ['an x-user-id of the client, with a login', 201, async () => {
      const { answer, seen } = await headersSeen([['x-user-id', 'mallory']])
      return { answer, also: answer.body.subject === login.id && !('x-user-id' in seen), detail: answer.body.subject }
    }],
    ['forwarding headers of the client', 201, async () => {
      const { answer, seen } = await headersSeen(Object.entries(SPOOFED))
      const heard = Object.keys(SPOOFED).map((header) => seen[header]).join(' ')
      const wanted = `http ${new URL(place.public).host} /v1/tokens 127.0.0.1 POST application/json`
      return { answer, also: heard === wanted, detail: heard }
    }],
    ['a route that is none of this caller\'s', 403, () => place.knock([['cookie', visitor.cookie]], { body: { route: 'other' } })],
    ['the application\'s 500', 503, outage(says({ 'x-user-id': 'mallory' }, 500))],
    ['the application\'s 429', 503, outage(says({}, 429))],
    ['an application that says nothing', 503, outage(moods.silence())],
    ['an application that begins and hangs up', 503, outage((_, outgoing) => outgoing.socket.end('HTTP/1.1 200 OK\r\nx-user'))],
    ['an answer whose headers never end', 503, outage(endless)],
    ['an application that is gone', 503, unheard((asks) => between.gone(asks), good)],
    ['a page of 8 MiB without a subject', [401, 'no_subject'], while_(moods.flood(8 << 20))],
    ['a good cookie again', 201, good],
  ]
  enough(name, table)
  await attacks(name, place, table)
}
