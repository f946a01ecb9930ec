// Asking the backend for a token, connecting with it, and reading what comes of it.

/** Asks this page's own backend; the API key stays there. */
export async function ask(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = response.status === 204 ? null : await response.json()
  if (!response.ok) throw new Error(`${response.status} ${answer?.code ?? ''}: ${answer?.detail ?? ''}`)
  return answer
}

/** A fresh token for a route: `{ token, url, jti, expires_in, … }`. */
export async function mint(route, redeemWithin) {
  const wanted = redeemWithin === undefined ? { route } : { route, redeem_within: redeemWithin }
  const minted = await ask('/demo/mint', wanted)
  return { ...minted, url: asReachedFromHere(minted.url) }
}

/** The demo may be reached by another name than it knows itself by. */
export function asReachedFromHere(address) {
  const url = new URL(address)
  url.host = location.host
  return url.href
}

/** Opens a socket and resolves once it is open, or rejects with what the browser reports. */
export function open(url, protocols = []) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => resolve(socket), { once: true })
    socket.addEventListener('close', reject, { once: true })
  })
}

/** Resolves with the close event: however the connection ends, or fails to begin. */
export function ended(socket, within = 15_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing happened')), within)
    socket.addEventListener('close', (event) => {
      clearTimeout(timer)
      resolve(event)
    }, { once: true })
  })
}

/** Opens a socket and waits for its end, whatever it is. */
export function attempt(url, protocols = []) {
  return ended(new WebSocket(url, protocols))
}

/** The next message. */
export function message(socket) {
  return new Promise((resolve, reject) => {
    socket.addEventListener('message', (event) => resolve(event.data), { once: true })
    socket.addEventListener('close', reject, { once: true })
  })
}

/** What an ending is called: `tb:SLUG;ra=…;id=…` is the bridge's own way to say it. */
export function slugOf(event) {
  return /^tb:([a-z0-9_]+)/.exec(event.reason ?? '')?.[1]
}

/**
 * A refused handshake is 1006 to a browser, whatever its status was. The same address without
 * `Upgrade` says why, as `{ code, slug }`, and does not use the token up.
 */
export async function explain(url) {
  const plain = new URL(url)
  plain.protocol = plain.protocol === 'wss:' ? 'https:' : 'http:'
  const problem = await (await fetch(plain)).json()
  // A 426 tells in further members what the handshake was refused for; a 404 is its own reason.
  return { code: problem.reason_status ?? problem.status, slug: problem.reason ?? problem.code }
}
