// openai 6, Azure OpenAI's Realtime in a browser. Version 7 refuses browsers here: see azure-openai-v1.mjs.

import { AzureOpenAI } from 'openai'
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'

import { base64 } from './page.mjs'

export default async function ({ bridge, token, sound, heard }) {
  const client = new AzureOpenAI({
    apiKey: token, // was: an API key
    endpoint: `https://${bridge}`, // was: https://RESOURCE.openai.azure.com
    deployment: 'gpt-realtime',
    apiVersion: '2025-04-01-preview',
    dangerouslyAllowBrowser: true, // the token is made for browsers
  })
  const realtime = await OpenAIRealtimeWebSocket.azure(client)
  realtime.on('event', (event) => heard.event(event.type))
  realtime.on('error', heard.error)
  realtime.on('session.created', async () => {
    realtime.send({ type: 'session.update', session: { turn_detection: null } })
    for await (const packet of sound()) realtime.send({ type: 'input_audio_buffer.append', audio: base64(packet) })
    realtime.send({ type: 'input_audio_buffer.commit' })
    realtime.send({ type: 'response.create' })
  })
  realtime.on('response.done', () => realtime.close())
  await heard.closed
}
