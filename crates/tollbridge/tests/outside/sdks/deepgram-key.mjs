// @deepgram/sdk in a browser, the token where an API key goes.

import { DeepgramClient } from '@deepgram/sdk'

import { transcribe } from './deepgram.mjs'

export default ({ bridge, token, ...exchange }) => {
  const deepgram = new DeepgramClient({
    apiKey: token, // was: an API key
    baseUrl: `https://${bridge}`, // was: left out
  })
  return transcribe(deepgram, exchange)
}
