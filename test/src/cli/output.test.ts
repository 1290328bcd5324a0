import assert from 'node:assert/strict'
import { existsSync, openSync } from 'node:fs'
import { describe, it } from 'node:test'
import { trellis } from './run-process.ts'

const full = existsSync('/dev/full') ? false : 'there is no /dev/full here'

describe('an answer that cannot be written', { skip: full }, () => {
  const toNowhere = async (...argv: string[]) => {
    using command = trellis(argv, { stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'] })
    return { ...(await command.exited), err: command.err }
  }

  it('is told in one line, exit code 1', async () => {
    const line = 'trellis: ERR_DISK: the answer cannot be written to the standard output (ENOSPC)\n'
    assert.deepEqual(await toNowhere('simulate', '--seed', '3'), { code: 1, signal: null, err: line })
    const { code, err } = await toNowhere('simulate', '--seed', '3', '--json')
    assert.deepEqual([code, JSON.parse(err).code, JSON.parse(err).mayHaveHappened], [1, 'ERR_DISK', true])
  })

  it('is none where there was nothing to write', async () => {
    const { code, err } = await toNowhere('frobnicate')
    assert.equal(code, 2)
    assert.match(err, /^trellis: ERR_USAGE: [^\n]*\n$/)
  })
})

describe('an answer that nobody reads to its end', () => {
  it('is no failure', async () => {
    using command = trellis(['simulate', '--seed', '3', '--trace'])
    command.child.stdout?.once('data', () => command.child.stdout?.destroy())
    assert.deepEqual(await command.exited, { code: 0, signal: null })
    assert.equal(command.err, '')
  })
})
