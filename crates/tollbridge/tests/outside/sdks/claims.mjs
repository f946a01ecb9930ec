// What the presets say was run, so that their pages promise nothing that is not run here.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The value of `name = …` in a few lines of TOML, as JSON reads it. */
const value = (lines, name) => JSON.parse(new RegExp(`^${name} = (.*)$`, 'm').exec(lines)[1])

/** Every SDK that a preset calls tested: `{ route, name, versions }`. The browser's own `WebSocket` is none. */
export function claims(folder) {
  return readdirSync(folder).flatMap((file) => {
    const [, ...sdks] = readFileSync(join(folder, file), 'utf8').split('[[about.sdk]]\n')
    const tested = sdks.filter((sdk) => value(sdk, 'tested') && value(sdk, 'name') !== 'WebSocket')
    return tested.map((sdk) => ({
      route: basename(file, '.toml'), name: value(sdk, 'name'), versions: value(sdk, 'version').split(' and '),
    }))
  })
}
