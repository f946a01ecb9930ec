// A plain WebSocket client in Node, as a browser's terminal opens a shell in a pod.

import WebSocket from 'ws'

/** The streams of `v5.channel.k8s.io`: the first byte of every message. */
const [STDIN, STDOUT, STDERR, STATUS] = [0, 1, 2, 3]
const NAMES = { [STDOUT]: 'stdout', [STDERR]: 'stderr', [STATUS]: 'status' }

export default async function ({ bridge, token, heard }) {
  const encoded = Buffer.from(token).toString('base64url')
  const socket = new WebSocket(`wss://${bridge}/v1/bridge/kubernetes-exec?command=sh&stdin=true&stdout=true&stderr=true`, [
    'v5.channel.k8s.io',
    `base64url.bearer.authorization.k8s.io.${encoded}`, // was: that of a service account
  ])
  socket.on('error', heard.error)
  socket.on('open', () => {
    heard.event(socket.protocol)
    socket.send(Buffer.from([STDIN, ...Buffer.from('echo over the bridge\n')]))
  })
  socket.on('message', (bytes) => {
    heard.event(NAMES[bytes[0]] ?? `stream ${bytes[0]}`)
    if (bytes[0] === STDOUT) socket.close(1000)
  })
  socket.on('close', (code, reason) => heard.close(code, String(reason)))
  await heard.closed
}
