import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openUpDirectory, prepareDirectories } from '../../../../src/cli/up/directories.ts'
import { planNodes } from '../../../../src/cli/up/plan.ts'
import { temporaryDirectory } from '../run-process.ts'

describe('the directories of trellis up', () => {
  it('promise no more voters than nodes are started, however many were the last time', async () => {
    using temporary = temporaryDirectory()
    const directory = openUpDirectory(temporary.path)
    const prepare = async (nodes: number): Promise<number> => {
      const plans = await planNodes({ nodes, port: 0, adminPort: 0, root: directory.path })
      return prepareDirectories(directory, plans, undefined, { transport: 'tcp' })
    }
    assert.equal(await prepare(3), 3)
    // The two new ones need not have come to vote before these are stopped.
    assert.equal(await prepare(5), 3)
    assert.equal(await prepare(3), 3)
  })
})
