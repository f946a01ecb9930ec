// @deepgram/sdk in a browser: live transcription.

import { DeepgramClient } from '@deepgram/sdk'

export default ({ bridge, token, ...exchange }) => {
  const deepgram = new DeepgramClient({
    accessToken: token, // was: a JWT of /v1/auth/grant
    baseUrl: `https://${bridge}`, // was: left out
  })
  return transcribe(deepgram, exchange)
}

export async function transcribe(deepgram, { sound, heard }) {
  const live = await deepgram.listen.v1.connect({
    model: 'nova-3', encoding: 'linear16', sample_rate: 16_000,
    reconnectAttempts: 0, // a token of one use opens one session
  })
  live.on('message', (message) => heard.event(message.type))
  live.on('error', heard.error)
  live.connect()
  await live.waitForOpen()
  for await (const packet of sound()) live.sendMedia(packet)
  live.sendCloseStream({ type: 'CloseStream' })
  await heard.closed
}
