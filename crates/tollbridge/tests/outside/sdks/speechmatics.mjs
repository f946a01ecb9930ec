// @speechmatics/real-time-client in a browser.

import { RealtimeClient } from '@speechmatics/real-time-client'

export default async function ({ bridge, token, sound, heard }) {
  const client = new RealtimeClient({
    url: `wss://${bridge}/v2`, // was: left out
  })
  client.addEventListener('receiveMessage', ({ data }) => heard.event(data.message))
  await client.start(
    token, // was: a JWT of mp.speechmatics.com
    { audio_format: { type: 'raw', encoding: 'pcm_s16le', sample_rate: 16_000 }, transcription_config: { language: 'en' } },
  )
  for await (const packet of sound()) client.sendAudio(packet)
  await client.stopRecognition()
  await heard.closed
}
