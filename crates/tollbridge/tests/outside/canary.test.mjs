// The search of the servers' logs, seen failing: one line for each kind of secret, and none for what may stand there.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { leaks } from './canary.mjs'

const TOKEN = `${'eyJhbGciOiJFZERTQSJ9'}.${'eyJyb3V0ZSI6ImVjaG8ifQ'}.${'s'.repeat(86)}`

async function found(line, secrets = new Map()) {
  const folder = mkdtempSync(join(tmpdir(), 'tollbridge-canary-'))
  const log = join(folder, 'server.log')
  writeFileSync(log, `{"event":"session.opened"}\n${line}\n`)
  const names = await leaks(log, secrets)
  rmSync(folder, { recursive: true })
  return names
}

test('a token is found', async () => {
  assert.deepEqual(await found(`{"token":"${TOKEN}"}`), ['a token at line 2', 'half a token at line 2'])
})

test('a token without its signature is found', async () => {
  assert.deepEqual(await found(`"${TOKEN.split('.')[1]}"`), ['half a token at line 2'])
})

test('a query string is found', async () => {
  assert.deepEqual(await found('"/v1/bridge/echo?token=x"'), ['a query string at line 2'])
})

test('an API key is found by its shape', async () => {
  assert.deepEqual(await found(`tbk_Ab3dEf6hIj9k_${'x'.repeat(43)}_abc123`), ['an API key at line 2'])
})

test('a credential is found by its text', async () => {
  const secrets = new Map([['UPSTREAM_KEY', 'not-to-be-seen']])
  assert.deepEqual(await found('"header":"not-to-be-seen"', secrets), ['UPSTREAM_KEY at line 2'])
})

test('ids, key ids and paths may stand there', async () => {
  const line = `{"jti":"${'j'.repeat(22)}","kid":"${'k'.repeat(43)}","path":"/v1/bridge/echo","name":"tbk key"}`
  assert.deepEqual(await found(line, new Map([['UPSTREAM_KEY', 'not-to-be-seen']])), [])
})
