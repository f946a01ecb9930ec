// The page: two connections side by side, sound, and every refusal on a button.

import { attempt, explain, message, mint, open, slugOf } from '/demo/bridge.js'
import { groups } from '/demo/cases.js'
import { startMicrophone, startTone } from '/demo/speech.js'

const byId = (id) => document.getElementById(id)

const show = (output, text, mood = '') => {
  output.textContent = text
  output.dataset.mood = mood
}

/** Runs one thing at a time behind a button. */
const onClick = (button, act) => button.addEventListener('click', async () => {
  button.disabled = true
  try { await act() } finally { button.disabled = false }
})

const setup = await (await fetch('/demo/setup')).json()
byId('upstream-address').textContent = setup.upstream
byId('direct-address').textContent = setup.upstream

// Directly.

onClick(byId('direct-run'), async () => {
  const output = byId('direct-result')
  show(output, 'Connecting…')
  const { code, reason } = await attempt(setup.upstream)
  show(output, `Failed. Close code ${code}, reason “${reason}”. That is all a browser ever says.`, 'bad')
})

// Over the bridge.

let bridged

onClick(byId('bridge-run'), async () => {
  const output = byId('bridge-result')
  show(output, 'Asking for a token…')
  try {
    const minted = await mint('echo')
    show(output, `Token for ${minted.subject}: ${minted.uses} use, ${minted.expires_in} s. Connecting…`)
    bridged?.close()
    bridged = await open(minted.url)
    bridged.addEventListener('close', (event) => {
      byId('echo-send').disabled = true
      show(output, `Closed: ${event.code} ${slugOf(event) ?? event.reason}`)
    })
    byId('echo-send').disabled = false
    await say(byId('echo-input').value)
  } catch (failure) {
    show(output, describe(failure), 'bad')
  }
})

byId('echo-form').addEventListener('submit', (event) => {
  event.preventDefault()
  if (bridged?.readyState === WebSocket.OPEN) say(byId('echo-input').value)
})

async function say(text) {
  const began = performance.now()
  const answer = message(bridged)
  bridged.send(text)
  const echoed = await answer
  const took = (performance.now() - began).toFixed(1)
  show(byId('bridge-result'), `echo: ${echoed} (${took} ms there and back)`, 'good')
}

const describe = (failure) => failure instanceof CloseEvent
  ? `${failure.code} ${slugOf(failure) ?? (failure.reason || 'without a reason')}`
  : failure.message

// Sound.

const heard = ({ level, voice }) => {
  byId('speech-level').value = level
  show(byId('speech-result'), `level ${level.toFixed(3)}, ${voice ? 'voice' : 'no voice'}`, voice ? 'good' : '')
}

const failed = (failure) => show(byId('speech-result'), describe(failure), 'bad')

onClick(byId('speech-tone'), () => startTone(heard).catch(failed))

let stopMicrophone

byId('speech-microphone').addEventListener('click', async ({ currentTarget: button }) => {
  button.disabled = true
  try {
    if (stopMicrophone) {
      stopMicrophone()
      stopMicrophone = undefined
    } else {
      stopMicrophone = await startMicrophone(heard)
    }
    button.textContent = stopMicrophone ? 'Stop the microphone' : 'Use the microphone'
  } catch (failure) {
    failed(failure)
  } finally {
    button.disabled = false
  }
})

if (!navigator.mediaDevices?.getUserMedia) byId('speech-microphone').hidden = true

// Refusals.

const cards = groups.flatMap(({ title, cases }) => {
  const section = document.createElement('section')
  section.className = 'group'
  const heading = document.createElement('h3')
  heading.textContent = title
  const list = document.createElement('ul')
  section.append(heading, list)
  byId('refusals').append(section)
  return cases.map((one) => card(list, one))
})

function card(list, one) {
  const item = document.createElement('li')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  button.dataset.case = one.slug
  button.textContent = one.what
  const output = document.createElement('output')
  output.className = 'code'
  output.dataset.result = one.slug
  output.setAttribute('aria-live', 'polite')
  output.textContent = 'not tried'
  const advice = document.createElement('p')
  advice.textContent = one.then
  item.append(button, output, advice)
  list.append(item)
  const run = () => bringAbout(one, output)
  onClick(button, run)
  return { run, output }
}

async function bringAbout(one, output) {
  delete output.dataset.done
  show(output, '…')
  try {
    const { code, slug } = one.probe ? await probed(await one.probe()) : told(await one.run())
    show(output, `${code} ${slug}`, slug === one.slug ? 'good' : 'bad')
  } catch (failure) {
    show(output, describe(failure), 'bad')
  }
  output.dataset.done = 'true'
}

const told = (event) => ({ code: event.code, slug: slugOf(event) ?? (event.reason || 'no reason') })

/** Strangers get a plain status, which a browser hides as 1006; a plain GET brings it to light. */
async function probed(url) {
  const { code } = await attempt(url)
  if (code !== 1006) return { code, slug: 'not refused' }
  return explain(url)
}

onClick(byId('all-run'), async () => {
  let right = 0
  for (const [index, { run, output }] of cards.entries()) {
    byId('all-result').textContent = `${index + 1} of ${cards.length}`
    await run()
    right += output.dataset.mood === 'good'
  }
  byId('all-result').textContent = `${right} of ${cards.length} as expected`
})
