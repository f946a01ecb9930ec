// Runs an exchange in Node: the request is JSON on standard input, what was heard JSON on standard output.
//
//   node node.mjs EXCHANGE < REQUEST

import { text } from 'node:stream/consumers'

const { default: exchange } = await import(`./${process.argv[2]}.mjs`)
const { bridge, token } = JSON.parse(await text(process.stdin))
const said = { sockets: [], events: [], errors: [] }
let closed
const heard = {
  event: (name) => said.events.push(name),
  error: (what) => said.errors.push(String(what?.message ?? what)),
  close: (code, reason) => closed(said.sockets.push({ close: { code, reason } })),
  closed: new Promise((resolve) => (closed = resolve)),
}
await exchange({ bridge, token, heard }).catch(heard.error)
console.log(JSON.stringify(said))
process.exit()
