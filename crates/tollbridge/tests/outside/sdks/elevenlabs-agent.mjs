// @elevenlabs/client in a browser: a voice conversation by signed URL, with the microphone.

import { Conversation } from '@elevenlabs/client'

export default async function ({ url, heard }) {
  let spoken
  let understood
  const turn = Promise.all([new Promise((resolve) => (spoken = resolve)), new Promise((resolve) => (understood = resolve))])
  const conversation = await Conversation.startSession({
    signedUrl: url, // the mint's; was: that of /v1/convai/conversation/get-signed-url
    connectionType: 'websocket',
    onConnect: () => heard.event('connect'),
    onMessage: ({ role }) => {
      heard.event(`message of ${role}`)
      if (role === 'user') understood()
    },
    onAudio: () => {
      heard.event('audio')
      spoken()
    },
    onError: heard.error,
  })
  await turn
  await conversation.endSession()
  await heard.closed
}
