// Attacks as a table: what is done, and how it has to end.

import { check } from '../check.mjs'

/** What nobody may be told: why, or anything of whoever was asked. */
const told = (body) => ['unauthorized', 'A valid credential is required.'].includes(body?.code) || body?.code !== undefined

/**
 * Goes through `[what, wanted, act]`. `wanted` is a status, or `[status, reason]` with the operator's reason; an outage is
 * 503 and says when to come again. `act` returns the answer, or `{ answer, also }` with more that must hold.
 */
export async function attacks(name, place, table) {
  for (const [what, wanted, act] of table) {
    const [status, reason] = [wanted].flat()
    const done = await act().catch((failure) => ({ status: String(failure.cause ?? failure) }))
    const { answer, also = true, detail = '' } = 'answer' in done ? done : { answer: done }
    const why = reason === undefined ? undefined : await place.reason(answer)
    const patient = answer.status !== 503 || Number(answer.headers['retry-after']) >= 1
    const good = answer.status === status && why === reason && also && patient && (answer.status < 300 || told(answer.body))
    const said = [answer.status, answer.body?.code ?? '', why ?? '', detail].filter((word) => word !== '')
    check(`${name}: ${what}`, good, said.join(', '))
  }
}

/** Attacks that only this many in all make a table worth its name. */
export const enough = (name, table, least = 10) => check(`${name}: the table has ${least} rows or more`, table.length >= least, `${table.length}`)

/** Something that does not hold yet, though it should. It fails when it does, so that this mark is taken off. */
export const owed = (what, good, detail = '') => check(`owed, not met yet: ${what}`, !good, detail)
