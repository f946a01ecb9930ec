// assemblyai in a browser: streaming transcription.

import { StreamingTranscriber } from 'assemblyai'

export default async function ({ bridge, token, sound, heard }) {
  const transcriber = new StreamingTranscriber({
    token, // was: a temporary token of /v3/token
    websocketBaseUrl: `wss://${bridge}/v3/ws`, // was: left out
    sampleRate: 16_000,
    maxConnectionRetries: 0, // a token of one use opens one session
    connectTimeout: 10_000, // 1 s by default
  })
  transcriber.on('open', () => heard.event('Begin'))
  transcriber.on('turn', () => heard.event('Turn'))
  transcriber.on('error', heard.error)
  await transcriber.connect()
  for await (const packet of sound()) transcriber.sendAudio(packet)
  await transcriber.close()
  await heard.closed
}
