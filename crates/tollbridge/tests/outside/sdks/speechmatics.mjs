// @speechmatics/real-time-client in a browser.

import { RealtimeClient } from '@speechmatics/real-time-client'

export default async function ({ bridge, token, sound, heard }) {
  const client = new RealtimeClient({
    url: `wss://${bridge}/v2`, // was: left out
  })
  let missing = 0
  let settled
  client.addEventListener('receiveMessage', ({ data }) => {
    heard.event(data.message)
    if (data.message === 'AudioAdded' && (missing -= 1) === 0) settled?.()
  })
  await client.start(
    token, // was: a JWT of mp.speechmatics.com
    { audio_format: { type: 'raw', encoding: 'pcm_s16le', sample_rate: 16_000 }, transcription_config: { language: 'en' } },
  )
  for await (const packet of sound()) {
    missing += 1
    client.sendAudio(packet)
  }
  // The SDK ends with the number of the last packet that was acknowledged, so that has to be the last one.
  if (missing > 0) await new Promise((resolve) => (settled = resolve))
  await client.stopRecognition()
  await heard.closed
}
