import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Proposals } from '../../../src/coordination/proposals.ts'
import { ClusterError } from '../../../src/errors.ts'

const forever = new AbortController().signal
let proposals: Proposals

beforeEach(() => {
  let number = 0
  proposals = new Proposals(() => ++number)
})

/** Opens one; the core takes it at `index` of `term`, or has not answered yet. */
function open(at?: { index: number; term: number }, signal = forever) {
  let number = 0
  const answer = proposals.open((proposal) => {
    number = proposal
    if (at) proposals.accepted(proposal, at.index, at.term)
  }, signal)
  answer.catch(() => {})
  return { number, answer }
}

async function failure(promise: Promise<unknown>): Promise<ClusterError> {
  const error = await promise.then(
    () => assert.fail('it resolved'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ClusterError)
  return error
}

describe('a proposal', () => {
  it('resolves to what the machine answered at its place in the log', async () => {
    const [first, second] = [open({ index: 5, term: 2 }), open({ index: 6, term: 2 })]
    proposals.applied(6, 2, { type: 'ok', index: 6 })
    proposals.applied(5, 2, { type: 'not-activated' })
    assert.deepEqual(await first.answer, { type: 'not-activated' })
    assert.deepEqual(await second.answer, { type: 'ok', index: 6 })
  })

  it('is lost, and has not happened, when an entry of another term took its place', async () => {
    const { answer } = open({ index: 5, term: 2 })
    proposals.applied(5, 3, { type: 'ok', index: 5 })
    const { code, mayHaveHappened } = await failure(answer)
    assert.deepEqual([code, mayHaveHappened], ['ERR_NOT_LEADER', false])
  })

  it('is unknown when its leader loses office first, even if the next leader commits it', async () => {
    const { answer } = open({ index: 5, term: 2 })
    proposals.abandon('b')
    proposals.applied(5, 2, { type: 'ok', index: 5 })
    const { code, mayHaveHappened, details } = await failure(answer)
    assert.deepEqual([code, mayHaveHappened, details], ['ERR_NOT_LEADER', true, { leader: 'b' }])
  })

  it('fails with the reason it was rejected for', async () => {
    const { number, answer } = open()
    proposals.rejected(number, new ClusterError('ERR_BUFFER_FULL', 'busy', { queue: 'log', limit: 1 }))
    assert.equal((await failure(answer)).code, 'ERR_BUFFER_FULL')
    proposals.accepted(number, 5, 1)
    proposals.applied(5, 1, { type: 'ok', index: 5 })
  })

  it('that is not accepted yet survives a change of leadership', async () => {
    const { number, answer } = open()
    proposals.abandon('b')
    proposals.accepted(number, 7, 4)
    proposals.applied(7, 4, { type: 'ok', index: 7 })
    assert.equal((await answer).type, 'ok')
  })

  it('ends with the reason of its signal, wherever it is by then', async () => {
    for (const at of [undefined, { index: 5, term: 2 }]) {
      const abort = new AbortController()
      const { answer } = open(at, abort.signal)
      abort.abort(new Error('enough'))
      await assert.rejects(answer, /enough/)
      proposals.applied(5, 2, { type: 'ok', index: 5 })
    }
  })

  it('is not even offered when its signal has aborted already', async () => {
    const { number, answer } = open(undefined, AbortSignal.abort(new Error('enough')))
    await assert.rejects(answer, /enough/)
    assert.equal(number, 0)
  })

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController()
    const counts = new Map<string, number>()
    for (const [method, step] of [
      ['addEventListener', 1],
      ['removeEventListener', -1],
    ] as const) {
      signal[method] = () => void counts.set('abort', (counts.get('abort') ?? 0) + step)
    }
    const { answer } = open({ index: 5, term: 2 }, signal)
    proposals.applied(5, 2, { type: 'ok', index: 5 })
    await answer
    assert.equal(counts.get('abort'), 0)
  })

  it('ends when the node stops; only an accepted one may have happened', async () => {
    const [offered, accepted] = [open(), open({ index: 5, term: 2 })]
    proposals.close()
    const ends = await Promise.all([failure(offered.answer), failure(accepted.answer)])
    assert.deepEqual(
      ends.map(({ code, mayHaveHappened }) => [code, mayHaveHappened]),
      [
        ['ERR_SHUTTING_DOWN', false],
        ['ERR_SHUTTING_DOWN', true],
      ],
    )
  })
})
