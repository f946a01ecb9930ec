// @cartesia/cartesia-js in a browser: streaming transcription.

import { Cartesia } from '@cartesia/cartesia-js'

export default async function ({ bridge, token, sound, heard }) {
  const cartesia = new Cartesia({
    token, // was: an access token of /access-token
    baseURL: `https://${bridge}`, // was: left out
  })
  const live = cartesia.stt.manualFinalize.websocket({ model: 'ink-whisper', encoding: 'pcm_s16le', sample_rate: 16_000 })
  live.on('event', (event) => {
    heard.event(event.type)
    if (event.type === 'done') live.close()
  })
  live.on('error', heard.error)
  for await (const packet of sound()) live.sendRaw(packet)
  live.send('finalize')
  live.send('close')
  await heard.closed
}
