// @soniox/client in a browser: the token travels in the first message.

import { SonioxClient } from '@soniox/client'

export default async function ({ bridge, token, sound, heard }) {
  const config = {
    api_key: token, // was: a temporary API key
    stt_ws_url: `wss://${bridge}/transcribe-websocket`, // was: left out
  }
  const soniox = new SonioxClient({ config })
  const live = soniox.realtime.stt({ model: 'stt-rt-v5', audio_format: 'pcm_s16le', sample_rate: 16_000, num_channels: 1 }, config)
  live.on('result', () => heard.event('result'))
  live.on('finished', () => heard.event('finished'))
  live.on('error', heard.error)
  await live.connect()
  for await (const packet of sound()) live.sendAudio(packet)
  await live.finish()
  await heard.closed
}
