// Headless Chromium, as Debian has it.

import { accessSync } from 'node:fs'

import { chromium } from 'playwright-core'

/** What it needs as root, without a display and without its own errands on the network. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

const PATHS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

function browserPath() {
  const found = PATHS.find((path) => {
    try {
      return path && accessSync(path) === undefined
    } catch {
      return false
    }
  })
  if (!found) throw new Error('no Chromium: set CHROMIUM to its path')
  return found
}

/** Starts it with these flags more. */
export const startChromium = (flags = []) => chromium.launch({ executablePath: browserPath(), args: [...FLAGS, ...flags] })
