// Turns the device's samples into PCM16 at the wanted rate, off the main thread.

class Pcm16 extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, samples } }) {
    super()
    this.step = sampleRate / rate
    this.position = 0
    this.last = 0
    this.samples = samples
    this.out = new Int16Array(samples)
    this.filled = 0
  }

  process([[channel]]) {
    if (!channel) return true
    // Linear interpolation between neighbours, the last block's final sample included.
    while (this.position < channel.length) {
      const index = Math.floor(this.position)
      const before = index === 0 ? this.last : channel[index - 1]
      const part = this.position - index
      this.push(before + (channel[index] - before) * part)
      this.position += this.step
    }
    this.position -= channel.length
    this.last = channel[channel.length - 1]
    return true
  }

  push(sample) {
    this.out[this.filled] = Math.max(-1, Math.min(1, sample)) * 32767
    this.filled += 1
    if (this.filled < this.samples) return
    // The buffer is given away, and what is left of the array has no length any more.
    this.port.postMessage(this.out.buffer, [this.out.buffer])
    this.out = new Int16Array(this.samples)
    this.filled = 0
  }
}

registerProcessor('pcm16', Pcm16)
