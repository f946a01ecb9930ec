// openai in Node: the Responses API over a WebSocket.

import OpenAI from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'

export default async function ({ bridge, token, heard }) {
  const client = new OpenAI({
    apiKey: token, // was: an API key
    baseURL: `https://${bridge}/v1`, // was: left out
  })
  const responses = new ResponsesWS(client)
  responses.on('event', (event) => heard.event(event.type))
  responses.on('error', heard.error)
  responses.on('close', heard.close)
  responses.on('response.completed', () => responses.close())
  responses.send({ type: 'response.create', model: 'gpt-5', input: 'Which way to the bridge?' })
  await heard.closed
}
