// openai, Realtime in a browser. The same lines serve versions 6 and 7.

import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'

import { base64 } from './page.mjs'

export default async function ({ bridge, token, sound, heard }) {
  const realtime = new OpenAIRealtimeWebSocket({ model: 'gpt-realtime' }, {
    apiKey: token, // was: an API key
    baseURL: `https://${bridge}/v1`, // was: https://api.openai.com/v1
  })
  realtime.on('event', (event) => heard.event(event.type))
  realtime.on('error', heard.error)
  realtime.on('session.created', async () => {
    realtime.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: null } } } })
    for await (const packet of sound()) realtime.send({ type: 'input_audio_buffer.append', audio: base64(packet) })
    realtime.send({ type: 'input_audio_buffer.commit' })
    realtime.send({ type: 'response.create' })
  })
  realtime.on('response.done', () => realtime.close())
  await heard.closed
}
