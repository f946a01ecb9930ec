// What a script found out: each check a line, the exit code the verdict.

let failures = 0
let checks = 0

/** Notes a check; `detail` says what was measured. */
export function check(what, good, detail = '') {
  checks += 1
  if (!good) failures += 1
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}${detail === '' ? '' : `: ${detail}`}`)
}

/** Notes a measurement. */
export const measured = (what, value) => console.log(`     ${what}: ${value}`)

/** Runs a script's body and ends the process with its verdict. */
export async function main(body) {
  const began = Date.now()
  try {
    await body()
  } catch (failure) {
    failures += 1
    console.log(`FAIL ${failure.stack ?? failure}`)
  }
  console.log(`${checks} checks, ${failures} failed, ${((Date.now() - began) / 1000).toFixed(1)} s`)
  process.exit(failures === 0 && checks > 0 ? 0 : 1)
}
