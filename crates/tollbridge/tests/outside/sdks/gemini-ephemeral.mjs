// @google/genai in a browser, where the page already has the vendor's ephemeral tokens.

import { GoogleGenAI } from '@google/genai'

import { converse } from './gemini.mjs'

export default ({ bridge, token, ...exchange }) => {
  const genai = new GoogleGenAI({
    apiKey: `auth_tokens/${token}`, // was: the name of an ephemeral token
    httpOptions: { apiVersion: 'v1alpha', baseUrl: `https://${bridge}` }, // was: without baseUrl
  })
  return converse(genai, exchange)
}
