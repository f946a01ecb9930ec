// Sound to the upstream: PCM16, mono, 16 kHz, 100 ms a message.

import { ended, mint, open } from '/demo/bridge.js'

const RATE = 16_000
const SAMPLES = RATE / 10

async function connect(heard) {
  const socket = await open((await mint('speech')).url)
  socket.addEventListener('message', ({ data }) => heard(JSON.parse(data)))
  return socket
}

/** Two seconds of a 440 Hz tone and half a second of silence, at real pace. */
export async function startTone(heard) {
  const socket = await connect(heard)
  for (let sent = 0; sent < 25; sent += 1) {
    socket.send(sent < 20 ? tone(sent * SAMPLES) : new Int16Array(SAMPLES))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const end = ended(socket)
  socket.close(1000)
  await end
}

function tone(from) {
  const wave = (index) => 8000 * Math.sin((2 * Math.PI * 440 * (from + index)) / RATE)
  return Int16Array.from({ length: SAMPLES }, (_, index) => wave(index))
}

/** Streams the microphone until the returned function is called. */
export async function startMicrophone(heard) {
  const media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } })
  // The context keeps the device's rate: not every browser resamples a microphone by itself.
  const context = new AudioContext()
  const stop = () => {
    media.getTracks().forEach((track) => track.stop())
    context.close()
  }
  try {
    await context.audioWorklet.addModule('/demo/worklet.js')
    const socket = await connect(heard)
    const worklet = new AudioWorkletNode(context, 'pcm16', {
      numberOfOutputs: 0,
      processorOptions: { rate: RATE, samples: SAMPLES },
    })
    worklet.port.onmessage = ({ data }) => {
      // Late sound is worthless: leave a message out rather than queue a second of them.
      if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < RATE * 2) socket.send(data)
    }
    context.createMediaStreamSource(media).connect(worklet)
    return () => {
      socket.close(1000)
      stop()
    }
  } catch (failure) {
    stop()
    throw failure
  }
}
