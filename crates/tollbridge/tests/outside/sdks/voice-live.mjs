// One turn with Voice Live, whatever the credential.

export async function converse(client, { sound, heard }) {
  const session = client.createSession('gpt-realtime')
  session.subscribe({
    onServerEvent: async (event) => heard.event(event.type),
    onServerError: async (event) => heard.error(event.error),
    onError: async ({ error }) => heard.error(error),
    onSessionCreated: async () => {
      await session.updateSession({ inputAudioSamplingRate: 16_000, turnDetection: null })
      for await (const packet of sound()) await session.sendAudio(packet)
      await session.sendEvent({ type: 'input_audio_buffer.commit' })
      await session.sendEvent({ type: 'response.create' })
    },
    onResponseDone: () => session.disconnect(),
  })
  await session.connect()
  await heard.closed
}
