// @azure/ai-voicelive in a browser, with a token credential.

import { VoiceLiveClient } from '@azure/ai-voicelive'

import { converse } from './voice-live.mjs'

export default ({ bridge, token, ...exchange }) => {
  const client = new VoiceLiveClient(
    `https://${bridge}`, // was: https://RESOURCE.services.ai.azure.com
    { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 600_000 }) }, // was: new InteractiveBrowserCredential(…)
  )
  return converse(client, exchange)
}
