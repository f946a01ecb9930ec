// @elevenlabs/client in a browser: a voice conversation by signed URL, with the microphone.

import { Conversation } from '@elevenlabs/client'

export default async function ({ bridge, token, heard }) {
  const conversation = await Conversation.startSession({
    signedUrl: `wss://${bridge}/v1/convai/conversation?agent_id=guide&token=${token}`, // was: of /v1/convai/conversation/get-signed-url
    onConnect: () => heard.event('connect'),
    onMessage: ({ role }) => heard.event(`message of ${role}`),
    onAudio: () => {
      heard.event('audio')
      conversation.endSession()
    },
    onError: (message) => heard.error(message),
  })
  await heard.closed
}
