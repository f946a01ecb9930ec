// @elevenlabs/client in a browser: a text conversation, the token beside the agent's id.

import { Conversation } from '@elevenlabs/client'

export default async function ({ bridge, token, heard }) {
  const conversation = await Conversation.startSession({
    agentId: 'guide',
    connectionType: 'websocket',
    textOnly: true,
    authorization: token, // was: left out
    origin: `wss://${bridge}`, // was: left out
    onConnect: () => heard.event('connect'),
    onMessage: ({ role }) => {
      heard.event(`message of ${role}`)
      if (role === 'agent') conversation.endSession()
    },
    onError: (message) => heard.error(message),
  })
  conversation.sendUserMessage('Which way to the bridge?')
  await heard.closed
}
