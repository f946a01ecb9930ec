// @azure/ai-voicelive in a browser, with a key credential.

import { VoiceLiveClient } from '@azure/ai-voicelive'

import { converse } from './voice-live.mjs'

export default ({ bridge, token, ...exchange }) => {
  const client = new VoiceLiveClient(
    `https://${bridge}`, // was: https://RESOURCE.services.ai.azure.com
    { key: token }, // was: new AzureKeyCredential(an API key)
  )
  return converse(client, exchange)
}
