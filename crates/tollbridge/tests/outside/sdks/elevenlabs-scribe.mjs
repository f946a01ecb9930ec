// @elevenlabs/client in a browser: Scribe, live transcription.

import { AudioFormat, CommitStrategy, RealtimeEvents, Scribe } from '@elevenlabs/client'

import { base64 } from './page.mjs'

export default async function ({ bridge, token, sound, heard }) {
  const scribe = Scribe.connect({
    token, // was: a single-use token
    baseUri: `wss://${bridge}`, // was: left out
    modelId: 'scribe_v2_realtime',
    audioFormat: AudioFormat.PCM_16000,
    sampleRate: 16_000,
    commitStrategy: CommitStrategy.MANUAL,
  })
  scribe.on(RealtimeEvents.ERROR, (event) => heard.error(event.error))
  scribe.on(RealtimeEvents.PARTIAL_TRANSCRIPT, () => heard.event('partial_transcript'))
  scribe.on(RealtimeEvents.SESSION_STARTED, async () => {
    heard.event('session_started')
    for await (const packet of sound()) scribe.send({ audioBase64: base64(packet) })
    scribe.commit()
  })
  scribe.on(RealtimeEvents.COMMITTED_TRANSCRIPT, () => {
    heard.event('committed_transcript')
    scribe.close()
  })
  await heard.closed
}
