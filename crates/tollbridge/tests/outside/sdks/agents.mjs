// @openai/agents-realtime in a browser, with its WebSocket transport.

import { RealtimeAgent, RealtimeSession } from '@openai/agents-realtime'

export default async function ({ bridge, token, sound, heard }) {
  const agent = new RealtimeAgent({ name: 'Guide', instructions: 'You know the way.' })
  const session = new RealtimeSession(agent, { transport: 'websocket', model: 'gpt-realtime' })
  session.transport.on('*', (event) => heard.event(event.type))
  session.on('error', ({ error }) => heard.error(error))
  session.transport.on('turn_done', () => session.close())
  await session.connect({
    apiKey: token, // was: a client secret, ek_…
    url: `wss://${bridge}/v1/realtime`, // was: left out
  })
  for await (const packet of sound()) session.sendAudio(packet.buffer)
  session.transport.sendEvent({ type: 'input_audio_buffer.commit' })
  session.transport.sendEvent({ type: 'response.create' })
  await heard.closed
}
