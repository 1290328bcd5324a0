import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { createTestCluster, startProcesses } from '../../../src/testing/index.ts'

/** All that is wrong, as the refusal tells it. */
async function problemsOf(starting: Promise<AsyncDisposable>): Promise<readonly string[]> {
  try {
    await using _ = await starting
  } catch (error) {
    if (isClusterError(error, 'ERR_BAD_OPTIONS')) return error.details.problems
    throw error
  }
  return assert.fail('it was started')
}

describe('a cluster under test that cannot be', { timeout: 20_000 }, () => {
  for (const start of [createTestCluster, startProcesses])
    for (const count of [Number.NaN, -1, 0, 1.5, Number.POSITIVE_INFINITY, '3', undefined])
      it(`is refused at once: ${start.name} of ${typeof count} ${count}`, async () => {
        const problem = `the count of nodes (${count}) must be a whole number of 1 or more`
        assert.deepEqual(await problemsOf(start(count as number)), [problem])
      })

  it('is told of with everything that is wrong with its options', async () => {
    const options = { seed: 0.5, expect: 4, latencyMs: -1, node: 1, untilReady: 1, timeoutMs: 0, seeds: 1 }
    const problems = await problemsOf(createTestCluster(3, options as object))
    assert.deepEqual(problems, [
      'seed (0.5) must be a whole number',
      'expect (4) must be a whole number from 1 to 3',
      'latencyMs (-1) must be a number of 0 or more',
      'node must be an object',
      'untilReady must be true or false',
      'timeoutMs (0) must be a number above 0',
      "unknown option 'seeds', did you mean 'seed'?",
    ])
    const ofProcesses = { hosts: [], expect: 0, env: 1, prefix: 'nice', program: 1, secret: 1, nodes: 3 }
    assert.deepEqual(await problemsOf(startProcesses(2, ofProcesses as object)), [
      'hosts must be at least 2',
      'expect (0) must be a whole number from 1 to 2',
      'env must be an object',
      'prefix must be a list',
      'program must be a text',
      'secret must be a text',
      "unknown option 'nodes'",
    ])
  })
})
