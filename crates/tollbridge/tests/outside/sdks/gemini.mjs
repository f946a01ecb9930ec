// @google/genai in a browser: Gemini Live.

import { GoogleGenAI, Modality } from '@google/genai'

import { base64 } from './page.mjs'

export default ({ bridge, token, ...exchange }) => {
  const genai = new GoogleGenAI({
    apiKey: token, // was: an API key
    httpOptions: { baseUrl: `https://${bridge}` }, // was: left out
  })
  return converse(genai, exchange)
}

export async function converse(genai, { sound, heard }) {
  const session = await genai.live.connect({
    model: 'gemini-live-2.5-flash-preview',
    config: { responseModalities: [Modality.AUDIO] },
    callbacks: {
      onmessage: (message) => {
        Object.keys(message).forEach(heard.event)
        if (message.serverContent?.turnComplete) session.close()
      },
      onerror: heard.error,
    },
  })
  for await (const packet of sound()) session.sendRealtimeInput({ audio: { data: base64(packet), mimeType: 'audio/pcm;rate=16000' } })
  session.sendRealtimeInput({ audioStreamEnd: true })
  await heard.closed
}
