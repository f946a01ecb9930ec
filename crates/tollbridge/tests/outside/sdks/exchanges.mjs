// Every exchange: which package, which file, which route, and what must be heard.
//
// `sound` says what must arrive at the vendor: "same" is the sound sent, byte for byte; "some" is a microphone's.

const REALTIME = ['session.created', 'session.updated', 'response.created', 'response.done']

/** In Chromium, from npm. `params` are for the mint. */
export const PAGES = [
  { name: 'openai-7', npm: 'openai', file: 'openai', route: 'openai-realtime', events: REALTIME, sound: 'same' },
  { name: 'openai-6', npm: 'openai6', file: 'openai', route: 'openai-realtime', events: REALTIME, sound: 'same' },
  { name: 'openai-agents', npm: '@openai/agents-realtime', file: 'agents', route: 'openai-realtime', events: REALTIME, sound: 'same' },
  { name: 'openai-7-azure', npm: 'openai', file: 'azure-openai-v1', route: 'azure-openai-realtime', events: REALTIME, sound: 'same' },
  { name: 'openai-6-azure', npm: 'openai6', file: 'azure-openai', route: 'azure-openai-realtime-preview', events: REALTIME, sound: 'same' },
  { name: 'voice-live-key', npm: '@azure/ai-voicelive', file: 'voice-live-key', route: 'azure-voice-live', events: REALTIME, sound: 'same' },
  { name: 'voice-live-token', npm: '@azure/ai-voicelive', file: 'voice-live-token', route: 'azure-voice-live', events: REALTIME, sound: 'same' },
  { name: 'deepgram', npm: '@deepgram/sdk', file: 'deepgram', route: 'deepgram', events: ['Results', 'Metadata'], sound: 'same' },
  { name: 'deepgram-key', npm: '@deepgram/sdk', file: 'deepgram-key', route: 'deepgram', events: ['Results', 'Metadata'], sound: 'same' },
  { name: 'assemblyai', npm: 'assemblyai', file: 'assemblyai', route: 'assemblyai', events: ['Begin', 'Turn'], sound: 'same' },
  { name: 'gemini', npm: '@google/genai', file: 'gemini', route: 'gemini-live', events: ['setupComplete', 'serverContent'], sound: 'same' },
  {
    name: 'gemini-ephemeral', npm: '@google/genai', file: 'gemini-ephemeral', route: 'gemini-live', params: { version: 'v1alpha' },
    events: ['setupComplete', 'serverContent'], sound: 'same',
  },
  { name: 'elevenlabs-agent', npm: '@elevenlabs/client', file: 'elevenlabs-agent', route: 'elevenlabs-agents', events: ['connect', 'audio', 'message of user'], sound: 'some' },
  { name: 'elevenlabs-text', npm: '@elevenlabs/client', file: 'elevenlabs-text', route: 'elevenlabs-agents', events: ['connect', 'message of agent'] },
  {
    name: 'elevenlabs-scribe', npm: '@elevenlabs/client', file: 'elevenlabs-scribe', route: 'elevenlabs-stt',
    events: ['session_started', 'partial_transcript', 'committed_transcript'], sound: 'same',
  },
  {
    name: 'speechmatics', npm: '@speechmatics/real-time-client', file: 'speechmatics', route: 'speechmatics',
    events: ['RecognitionStarted', 'AudioAdded', 'EndOfTranscript'], sound: 'same',
  },
  { name: 'soniox', npm: '@soniox/client', file: 'soniox', route: 'soniox', events: ['result', 'finished'], sound: 'same' },
  { name: 'cartesia-tts', npm: '@cartesia/cartesia-js', file: 'cartesia-tts', route: 'cartesia', events: ['chunk', 'done'] },
  { name: 'cartesia', npm: '@cartesia/cartesia-js', file: 'cartesia', route: 'cartesia', params: { service: 'stt' }, events: ['transcript', 'done'], sound: 'same' },
]

/** Without a browser: `npm` in Node, `pypi` in Python. */
export const PROGRAMS = [
  { name: 'openai-responses', npm: 'openai', file: 'responses', route: 'openai-responses', events: ['response.created', 'response.completed'] },
  {
    name: 'kubernetes', npm: 'ws', file: 'kubernetes', route: 'kubernetes-exec', params: { pod: 'web' },
    events: ['v5.channel.k8s.io', 'stdout'],
  },
  { name: 'openai-python', pypi: 'openai', file: 'openai_realtime', route: 'openai-realtime', events: REALTIME, sound: 'same' },
  { name: 'voice-live-python', pypi: 'azure-ai-voicelive', file: 'voice_live', route: 'azure-voice-live', events: REALTIME, sound: 'same' },
  {
    name: 'voice-live-python-key', pypi: 'azure-ai-voicelive', file: 'voice_live_key', route: 'azure-voice-live', events: REALTIME,
    sound: 'same',
  },
]
