// @elevenlabs/client in a browser: a text conversation, the token beside the agent's id.

import { Conversation } from '@elevenlabs/client'

export default async function ({ bridge, token, heard }) {
  let asked = false
  let answered
  const answer = new Promise((resolve) => (answered = resolve))
  const conversation = await Conversation.startSession({
    agentId: 'guide',
    connectionType: 'websocket',
    textOnly: true,
    authorization: token, // was: left out
    origin: `wss://${bridge}`, // was: left out
    onConnect: () => heard.event('connect'),
    onMessage: ({ role }) => {
      heard.event(`message of ${role}`)
      if (asked && role === 'agent') answered()
    },
    onError: heard.error,
  })
  asked = true
  conversation.sendUserMessage('Which way to the bridge?')
  await answer
  await conversation.endSession()
  await heard.closed
}
