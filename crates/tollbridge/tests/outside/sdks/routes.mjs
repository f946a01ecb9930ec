// One route for each preset: its own paths, carriers and credentials; only the address is a stand-in's.
//
// `target` is path and query as the preset has them, `secret` the variable in which it looks for the key, `vendor` the
// stand-in where that has another name.

const ROUTES = {
  'assemblyai': { target: '/v3/ws?speech_model={speech_model}', secret: 'ASSEMBLYAI_API_KEY' },
  'azure-openai-realtime': { target: '/openai/v1/realtime?model={model}', secret: 'AZURE_OPENAI_API_KEY' },
  'azure-openai-realtime-preview': {
    target: '/openai/realtime?api-version=2025-04-01-preview&deployment={deployment}', secret: 'AZURE_OPENAI_API_KEY',
    vendor: 'azure-openai-realtime',
  },
  'azure-voice-live': { target: '/voice-live/realtime?api-version=2026-07-15&model={model}', secret: 'AZURE_VOICELIVE_API_KEY' },
  'cartesia': { target: '/{service}/websocket', secret: 'CARTESIA_API_KEY' },
  'deepgram': { target: '/v1/listen?model={model}', secret: 'DEEPGRAM_API_KEY' },
  'elevenlabs-agents': {
    target: '/v1/convai/conversation', secret: 'ELEVENLABS_API_KEY',
    more: ({ rest }) => `credentials.token_url.url = "${rest}/v1/convai/conversation/get-signed-url?agent_id=guide"`,
  },
  'elevenlabs-stt': { target: '/v1/speech-to-text/realtime?model_id={model_id}', secret: 'ELEVENLABS_API_KEY' },
  'gemini-live': {
    target: '/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent', secret: 'GEMINI_API_KEY',
  },
  'kubernetes-exec': {
    target: '/api/v1/namespaces/{namespace}/pods/{pod}/exec?command={command}', secret: 'KUBERNETES_TOKEN',
    more: () => 'credentials.headers.Authorization = "Bearer ${env:KUBERNETES_TOKEN}"',
  },
  'openai-realtime': { target: '/v1/realtime?model={model}', secret: 'OPENAI_API_KEY' },
  'openai-responses': { target: '/v1/responses', secret: 'OPENAI_API_KEY' },
  'soniox': { target: '/transcribe-websocket', secret: 'SONIOX_API_KEY' },
  'speechmatics': { target: '/v2', secret: 'SPEECHMATICS_API_KEY' },
}

/** The stand-in behind a route. */
export const vendorOf = (route) => ROUTES[route].vendor ?? route

/** A key without the scheme in front of it, which is the preset's to add. */
const bare = (value) => value.replace(/^(Bearer|Token) /, '')

/** The header that holds the key: it is called differently by every vendor, and others are no secret. */
const keyOf = (headers) => bare(Object.entries(headers).find(([, value]) => value.includes('real-'))[1])

function route(name, vendor, ca, origin) {
  const { target, more } = ROUTES[name]
  return `
[routes.${name}]
preset = "${name}"
upstream = "${vendor.url}${target}"
origins = ["${origin}"]
callers = ["backend"]
${ca ? `ca = "${ca}"` : ''}
${more?.(vendor) ?? ''}
`
}

/** Routes to all the stand-ins there are, as TOML, and the environment in which they find their keys. */
export function routesTo({ ca, ...vendors }, origin) {
  const named = Object.keys(ROUTES).filter((name) => vendors[vendorOf(name)])
  const env = Object.fromEntries(named.map((name) => [ROUTES[name].secret, keyOf(vendors[vendorOf(name)].headers)]))
  return { toml: named.map((name) => route(name, vendors[vendorOf(name)], ca, origin)).join(''), env, named }
}
