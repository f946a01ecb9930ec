// Attacks as a table: what is done, and how it has to end.

import { Bridge } from '../bridge.mjs'
import { check } from '../check.mjs'

/** An answer has to come, however busy the machine is, well before a client gives up. */
const PROMPT = 15_000

/**
 * Goes through `[what, wanted, act]`. `wanted` is a status, or `[status, reason]` with the operator's reason; an outage is
 * 503 and says when to come again. `act` returns the answer, or `{ answer, also }` with more that must hold.
 */
export async function attacks(name, place, table) {
  const bodies = new Set()
  for (const [what, wanted, act] of table) {
    const [status, reason] = [wanted].flat()
    const done = await act().catch((failure) => ({ status: String(failure.cause ?? failure) }))
    const { answer, also = true, detail = '' } = 'answer' in done ? done : { answer: done }
    const why = reason === undefined ? undefined : await place.reason(answer)
    const patient = answer.status !== 503 || Number(answer.headers['retry-after']) >= 1
    const good = answer.status === status && why === reason && also && patient
    const said = [answer.status, answer.body?.code ?? '', why ?? '', detail].filter((word) => word !== '')
    check(`${name}: ${what}`, good, said.join(', '))
    if (answer.status === 401) bodies.add(JSON.stringify({ ...answer.body, instance: undefined }))
  }
  check(`${name}: whatever was wrong, a stranger reads the same`, bodies.size === 1, [...bodies].join(' '))
}

/** A row's act for an outage: `asks` within it, in time; and afterwards all is well by itself. */
export const unheard = (within, asks) => async () => {
  const answer = await within(asks)
  await Bridge.until('a good mint', PROMPT, async () => (await asks()).status === 201)
  return { answer, also: answer.took < PROMPT, detail: `${Math.round(answer.took)} ms` }
}

/** A row's act where nobody may be asked at all. */
export const unasked = (between, act) => async () => {
  const before = between.asked.length
  const answer = await act()
  return { answer, also: between.asked.length === before, detail: 'nobody was asked' }
}

/** A table of fewer rows is none. */
export const enough = (name, table, least = 10) => check(`${name}: the table has ${least} rows or more`, table.length >= least, `${table.length}`)
