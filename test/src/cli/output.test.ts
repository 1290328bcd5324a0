import assert from 'node:assert/strict'
import { existsSync, openSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { rewritten, shellWord } from '../../../src/cli/output.ts'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import { trellis } from './run-process.ts'
import { until } from './wait-until.ts'

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

describe('what shows changes as they come', { timeout: 60_000 }, () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0', keepStalledMs: 0 })
    await node.config.set('seen', 1)
  })
  after(() => node.stop())
  const watchers = [
    ['config', 'watch', '--from', '1'],
    ['top', '--json'],
  ]

  it('ends with the error when it can write no more', { skip: full }, async () => {
    for (const argv of watchers) {
      const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const
      using command = trellis([...argv, '--admin', node.admin!], { stdio: [...stdio] })
      assert.deepEqual(await command.exited, { code: 1, signal: null })
      assert.match(command.err, /ERR_DISK.*the answer cannot be written[^\n]*\n$/)
    }
  })

  it('ends in order when nobody reads it any more', async () => {
    using command = trellis([...watchers[0]!, '--admin', node.admin!])
    await command.lines(1)
    command.child.stdout?.destroy()
    let isOver = false
    const exited = command.exited.finally(() => {
      isOver = true
    })
    await until(async () => {
      await node.config.set('seen', 2)
      return isOver
    })
    assert.deepEqual([await exited, command.err], [{ code: 0, signal: null }, ''])
  })
})

describe('an answer that nobody reads to its end', () => {
  it('is no failure', async () => {
    using command = trellis(['simulate', '--seed', '3', '--trace'])
    command.child.stdout?.once('data', () => command.child.stdout?.destroy())
    assert.deepEqual(await command.exited, { code: 0, signal: null })
    assert.match(command.err, /^(1 of 1 seeds, \d+ events\/s\n)?$/, 'nothing but how far it is, on a slow machine')
  })
})

describe('a line that is replaced on a terminal', () => {
  it('is never longer than the terminal is wide, so that it does not wrap', () => {
    assert.equal(
      rewritten('starting 5 nodes: node-1 has not found its cluster yet', 30),
      '\r\u001b[Kstarting 5 nodes: node-1 has ',
    )
    assert.equal(rewritten(), '\r\u001b[K')
  })
})

describe('a command to be copied', () => {
  it('quotes what a shell would take apart', () => {
    assert.deepEqual(['/data/node-1', 'my data', "it's $HOME", ''].map(shellWord), [
      '/data/node-1',
      "'my data'",
      "'it'\\''s $HOME'",
      "''",
    ])
  })
})
