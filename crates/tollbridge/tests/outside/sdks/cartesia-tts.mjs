// @cartesia/cartesia-js in a browser: text to speech.

import { Cartesia } from '@cartesia/cartesia-js'

export default async function ({ bridge, token, heard }) {
  const cartesia = new Cartesia({
    token, // was: an access token of /access-token
    baseURL: `https://${bridge}`, // was: left out
  })
  const live = await cartesia.tts.websocket()
  live.on('error', heard.error)
  const answers = live.generate({
    model_id: 'sonic-3',
    transcript: 'This way to the bridge.',
    voice: { mode: 'id', id: '694f9389-aac1-45b6-b726-9d9369183238' },
    output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: 16_000 },
  })
  for await (const answer of answers) heard.event(answer.type)
  live.close()
  await heard.closed
}
