// @elevenlabs/client in a browser: a voice conversation by signed URL, with the microphone.

import { Conversation } from '@elevenlabs/client'

export default async function ({ url, heard }) {
  const conversation = await Conversation.startSession({
    signedUrl: url, // the mint's; was: that of /v1/convai/conversation/get-signed-url
    connectionType: 'websocket',
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
