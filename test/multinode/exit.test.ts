import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from '../src/cli/run-process.ts'

const program = fileURLToPath(new URL('fixtures/come-and-go.ts', import.meta.url))
const deadlineMs = 30_000

const cases = [
  { what: 'one node, stopped', argv: ['1', 'stop'], stopped: 'node-1' },
  { what: 'three nodes, stopped', argv: ['3', 'stop'], stopped: 'node-1,node-2,node-3' },
  { what: 'three nodes that left', argv: ['3', 'leave'], stopped: 'node-1,node-2,node-3' },
  { what: 'one node, and one whose name was taken', argv: ['1', 'fail'], stopped: 'node-1' },
]

describe('a program that has stopped its nodes', () => {
  for (const { what, argv, stopped } of cases)
    it(`ends by itself, and nothing keeps it: ${what}`, { timeout: deadlineMs }, async () => {
      using child = start(process.execPath, [program, ...argv])
      assert.deepEqual(await child.exited, { code: 0, signal: null })
      assert.deepEqual([child.out, child.err], [`${stopped} stopped, kept by: nothing\n`, ''])
    })
})
