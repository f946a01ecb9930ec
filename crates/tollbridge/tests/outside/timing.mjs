// What times say, and keys that are wrong in one place only.

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** CRC-32 as API keys carry it, in base 62. */
function checksum(text) {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  }
  let [number, digits] = [~crc >>> 0, '']
  for (let at = 0; at < 6; at += 1) [digits, number] = [BASE62[number % 62] + digits, Math.floor(number / 62)]
  return digits
}

/** An API key with one character replaced and its checksum made right again. */
export function resealed(key, position) {
  const other = key[position] === 'A' ? 'B' : 'A'
  const body = key.slice(0, position) + other + key.slice(position + 1, key.lastIndexOf('_'))
  return `${body}_${checksum(body)}`
}

/** Median and 99th percentile. */
export function spread(times) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  return { median: at(0.5), p99: at(0.99) }
}

/** Welch's t of two lists; the slowest tenth, which is the machine's, is left out of both. */
export function apart(one, two) {
  const calm = (times) => [...times].sort((a, b) => a - b).slice(0, Math.ceil(times.length * 0.9))
  const of = (times) => {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1)
    return { mean, error: variance / times.length }
  }
  const [a, b] = [of(calm(one)), of(calm(two))]
  return (a.mean - b.mean) / Math.sqrt(a.error + b.error)
}
