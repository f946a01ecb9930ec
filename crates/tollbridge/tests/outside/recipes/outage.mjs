// Nobody answers: every mint learns it in time, few ask, live sessions go on, and all is well again by itself.

import { setTimeout as pause } from 'node:timers/promises'

import { Bridge } from '../bridge.mjs'
import { check, measured } from '../check.mjs'
import { connect, leave } from '../sockets.mjs'
import { moods } from './between.mjs'
import { PAGE } from './visitor.mjs'

/** Mints that are asked for at once. */
const CROWD = 300

/** So many questions may be open at once (docs/reference/callers.md). */
const AT_ONCE = 64

/** Questions of those who came after the first had been given up, on a machine that was too busy to send all at once. */
const LATE = 8

/** Recovery takes 5 seconds at most by the same page; the rest is for a busy machine. */
const RECOVERY = 15_000

/** A deadline and a busy machine. */
const PROMPT = 20_000

/** A session that says something and hears it back until it is told to stop: how often it did. */
async function speaking(url) {
  const socket = await connect(url, { origin: PAGE })
  const state = { over: false, heard: 0 }
  const talk = async () => {
    for (; !state.over; state.heard += 1) {
      socket.send(`word ${state.heard}`)
      const heard = String(await socket.inbox.next())
      if (heard !== `word ${state.heard}`) throw new Error(`heard ${heard}`)
      await pause(20)
    }
    await leave(socket)
    return state.heard
  }
  const done = talk()
  done.catch(() => {})
  return { state, done }
}

/**
 * Silences whatever `between` leads to, and has a crowd mint. `open` is the address of a session that was minted before;
 * `most`: how many questions may be open at once; `beside` is done meanwhile; `lasting`: for so many milliseconds
 * more it stays silent and is asked for, so that the pauses grow as long as they get.
 */
export async function outage(name, { between, mint, open, most = AT_ONCE, beside, lasting = 0 }) {
  const session = await speaking(open)
  await Bridge.until('the session', PROMPT, () => session.state.heard > 0)
  const before = session.state.heard
  between.asked.length = 0
  between.most = between.open
  between.mood = moods.silence()
  const crowd = Promise.all(Array.from({ length: CROWD }, () => mint()))
  await beside?.()
  const answers = await crowd
  const asked = between.asked.length
  const times = answers.map(({ took }) => took).sort((one, other) => one - other)
  const said = [...new Set(answers.map(({ status, headers }) => `${status} Retry-After ${headers['retry-after']}`))]
  check(`${name}: ${CROWD} mints at once are all 503 and say when to come again`,
    answers.every(({ status, headers }) => status === 503 && Number(headers['retry-after']) >= 1), said.join(', '))
  check(`${name}: all of them in time`, times.at(-1) < PROMPT, `half in ${Math.round(times[CROWD / 2])} ms, the last in ${Math.round(times.at(-1))} ms`)
  check(`${name}: ${most} questions at most were open at once, and few more in all`, between.most <= most && asked <= most + LATE,
    `${asked} questions, ${between.most} at once`)

  for (const until = Date.now() + lasting; Date.now() < until; await pause(200)) await mint()
  between.mood = undefined
  const began = Date.now()
  await Bridge.until(`${name}: a good mint`, RECOVERY, async () => (await mint()).status === 201)
  measured(`${name}: well again after`, `${Date.now() - began} ms`)
  session.state.over = true
  const heard = await session.done.catch((failure) => failure)
  check(`${name}: the open session went on all the while`, heard > before + 10, heard > 0 ? `${heard} echoes` : String(heard))
}
