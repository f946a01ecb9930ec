// Real speech as 16 kHz PCM16, and the frames in which Doubao v3 wants it.

import { gunzipSync, gzipSync } from 'node:zlib'

import { run } from './bridge.mjs'

export const RATE = 16_000

const TEXT = `The quick brown fox asks the gatekeeper for a ticket. The ticket is good for one crossing, and for half a minute.
Whoever comes with yesterday's ticket, with another's ticket, or with none, stays on this side of the river.`

/** So many seconds of espeak-ng's voice, mono, little-endian. */
export async function speech(seconds) {
  const spoken = await run('espeak-ng', ['-v', 'en', '--stdout', TEXT.repeat(Math.ceil(seconds / 8))])
  if (spoken.code !== 0) throw new Error(`espeak-ng: ${spoken.err}`)
  const samples = resampled(...samplesOf(spoken.bytes))
  const wanted = seconds * RATE
  if (samples.length < wanted) throw new Error(`only ${samples.length / RATE} s of speech for ${seconds}`)
  const pcm = Buffer.alloc(wanted * 2)
  for (let index = 0; index < wanted; index += 1) pcm.writeInt16LE(samples[index], index * 2)
  return pcm
}

/** Samples and rate of a canonical WAV stream, whose sizes may be unset. */
function samplesOf(wav) {
  const data = wav.indexOf('data') + 8
  const samples = []
  for (let at = data; at + 1 < wav.length; at += 2) samples.push(wav.readInt16LE(at))
  return [samples, wav.readUInt32LE(24)]
}

/** Linear interpolation to 16 kHz. */
function resampled(samples, rate) {
  const length = Math.floor((samples.length - 1) * RATE / rate)
  return Array.from({ length }, (_, index) => {
    const at = index * rate / RATE
    const left = Math.floor(at)
    return Math.round(samples[left] + (samples[left + 1] - samples[left]) * (at - left))
  })
}

/** Cut into packets of so many milliseconds. */
export function packets(pcm, milliseconds) {
  const size = RATE * 2 * milliseconds / 1000
  return Array.from({ length: Math.ceil(pcm.length / size) }, (_, index) => pcm.subarray(index * size, (index + 1) * size))
}

const FULL_REQUEST = 0b0001
const AUDIO = 0b0010
const SERVER_RESPONSE = 0b1001
const WITH_SEQUENCE = 0b0001
const LAST = 0b0010
const JSON_TEXT = 1
const RAW = 0
const GZIP = 1

/** One frame with a sequence number; a negative one says that it is the last. */
function frame(type, sequence, serialization, payload) {
  const packed = gzipSync(payload)
  const head = Buffer.from([0x11, type << 4 | WITH_SEQUENCE | (sequence < 0 ? LAST : 0), serialization << 4 | GZIP, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  head.writeInt32BE(sequence, 4)
  head.writeUInt32BE(packed.length, 8)
  return Buffer.concat([head, packed])
}

/** What opens a recognition. */
export const fullRequest = () => frame(FULL_REQUEST, 1, JSON_TEXT, JSON.stringify({
  user: { uid: 'outside' },
  audio: { format: 'pcm', codec: 'raw', rate: RATE, bits: 16, channel: 1 },
  request: { model_name: 'bigmodel', enable_punc: true, show_utterances: true },
}))

/** One packet of sound. */
export const audio = (pcm, sequence) => frame(AUDIO, sequence, RAW, pcm)

/** Reads a server's frame: `{ last, sequence, said }`; an error frame throws. */
export function read(bytes) {
  const [type, flags] = [bytes[1] >> 4, bytes[1] & 0x0f]
  let at = (bytes[0] & 0x0f) * 4
  const sequence = flags & WITH_SEQUENCE ? bytes.readInt32BE((at += 4) - 4) : undefined
  if (type !== SERVER_RESPONSE) throw new Error(`frame of type ${type}: code ${bytes.readUInt32BE(at)}`)
  const payload = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at))
  const plain = (bytes[2] & 0x0f) === GZIP ? gunzipSync(payload) : payload
  return { last: (flags & LAST) !== 0, sequence, said: JSON.parse(plain) }
}
