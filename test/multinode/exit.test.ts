import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from '../src/cli/run-process.ts'
import { until } from '../src/cli/wait-until.ts'

const program = fileURLToPath(new URL('fixtures/come-and-go.ts', import.meta.url))
/** Between its last word and its end; what a node leaves behind, such as a timer of a second, would show. */
const lingerMs = 500

const cases = [
  { what: 'one node, stopped', argv: ['1', 'stop'], stopped: 'node-1' },
  { what: 'three nodes, stopped', argv: ['3', 'stop'], stopped: 'node-1,node-2,node-3' },
  { what: 'three nodes that left', argv: ['3', 'leave'], stopped: 'node-1,node-2,node-3' },
  { what: 'one node, and one whose name was taken', argv: ['1', 'fail'], stopped: 'node-1' },
]

describe('a program that has stopped its nodes', () => {
  for (const { what, argv, stopped } of cases)
    it(`ends by itself: ${what}`, async () => {
      using child = start(process.execPath, [program, ...argv])
      await child.lines(1)
      const saidAt = performance.now()
      let exit: { code: number | null } | undefined
      void child.exited.then((end) => {
        exit = end
      })
      await until(() => exit !== undefined)
      const lingered = performance.now() - saidAt
      assert.deepEqual([child.out, child.err], [`${stopped} stopped\n`, ''])
      assert.deepEqual(exit, { code: 0, signal: null })
      assert.ok(lingered < lingerMs, `it lingered for ${lingered} ms`)
    })
})
