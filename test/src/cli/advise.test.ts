import assert from 'node:assert/strict'
import { it } from 'node:test'
import { start } from '../local-nodes.ts'
import { runInProcess } from './run-in-process.ts'

it('trellis topology advise tells what to do, by which rule and figures, and is the API as JSON', async () => {
  const node = await start({ name: 'a', admin: '127.0.0.1:0' })
  const admin = node.admin as string
  const told = await runInProcess(['topology', 'advise', '--admin', admin])
  assert.equal(told.code, 0)
  assert.match(told.out, /^stay with full-mesh: .* \(rule small\)$/m)
  assert.match(told.out, /^members +1 +<= +24$/m)
  const { out } = await runInProcess(['topology', 'advise', '--admin', admin, '--json'])
  const { stableForMs: _, ...advice } = JSON.parse(out)
  const { stableForMs: __, ...own } = node.topology.advise()
  assert.deepEqual(advice, JSON.parse(JSON.stringify(own)))
})
