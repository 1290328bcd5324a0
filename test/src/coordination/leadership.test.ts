import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { featureLevels } from '../../../consensus/index.ts'
import type { Replication } from '../../../src/coordination/replication.ts'
import type { TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { ask } from '../admin/client.ts'
import { runInProcess } from '../cli/run-in-process.ts'
import { agreed, failureOf, form } from '../local-nodes.ts'

describe('handing leadership over', () => {
  it('makes the one that is named lead, asked of any member, over the API, HTTP and the command line', async () => {
    const nodes = await form(['a', 'b', 'c'], () => ({ admin: '127.0.0.1:0' }))
    const leaderOf = (): TrellisNode => nodes.find(({ name }) => name === nodes[0]!.status().consensus.leader)!
    const ways: ((asked: TrellisNode, to: string) => Promise<unknown>)[] = [
      (asked, to) => asked.leadership.transfer({ to }),
      async (asked, to) => {
        const headers = { 'content-type': 'application/json' }
        const { status, json } = await ask(`${asked.admin}/v1/leader/transfer`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ to }),
        })
        assert.equal(status, 200)
        return json
      },
      async (asked, to) =>
        JSON.parse((await runInProcess(['leader', 'transfer', to, '--admin', asked.admin!, '--json'])).out),
    ]
    for (const [turn, way] of ways.entries()) {
      const from = leaderOf()
      const others = nodes.filter((node) => node !== from)
      const to = others[turn % 2]!
      await nodes[0]!.config.set('before', turn)
      const report = (await way(turn === 0 ? from : others[0]!, to.name)) as {
        from: string
        to: string
        durationMs: number
      }
      assert.deepEqual([report.from, report.to, Number.isInteger(report.durationMs)], [from.name, to.name, true])
      await agreed(nodes)
      assert.equal(leaderOf(), to)
      assert.equal((await from.config.get('before'))?.value, turn)
    }
    // Whoever says so of itself: the others may not have heard of it yet.
    const leading = () => nodes.find((node) => node.status().consensus.leader === node.name)
    const toldOf: boolean[] = []
    for (const node of nodes)
      node.events.subscribe((event) => {
        if (event.type === 'leader' && event.leader === node.name) toldOf.push(node.status().consensus.quorum)
      })
    for (let turn = 0; turn < 5; turn++) {
      // A leader that was elected a moment ago hands over as well as any.
      const whoever = await leading()!.leadership.transfer()
      assert.notEqual(whoever.from, whoever.to)
      await waitUntil(() => leading() !== undefined)
    }
    await agreed(nodes)
    // A majority has just voted for it.
    assert.ok(toldOf.length >= 5 && toldOf.every(Boolean), String(toldOf))
    for (const [body, problem] of [
      ['{"too":"b"}', "unknown field 'too'"],
      ['[]', 'the body must be an object of to'],
      ['5', 'the body must be an object of to'],
    ]) {
      const headers = { 'content-type': 'application/json' }
      const asked = { method: 'POST', headers, body: body! }
      const { status, json } = await ask(`${nodes[0]!.admin}/v1/leader/transfer`, asked)
      assert.deepEqual([status, json.code, json.message], [400, 'ERR_BAD_REQUEST', problem])
    }
    assert.equal((await failureOf(nodes[0]!.leadership.transfer({ to: 'nobody' }))).code, 'ERR_UNKNOWN_MEMBER')
  })

  it('shows how far everybody has the log, asked of any member', async () => {
    const nodes = await form(['a', 'b', 'c'], () => ({ admin: '127.0.0.1:0' }))
    const { revision } = await nodes[0]!.config.set('x', 1)
    for (const node of nodes) {
      const { status, json } = await eventually(async () => {
        const answer = await ask(`${node.admin}/v1/leader`)
        const { members } = answer.json as unknown as Replication
        return members.every(({ lag }) => lag === 0) ? answer : undefined
      })
      assert.equal(status, 200)
      const { members, commitIndex, level } = json as unknown as Replication
      assert.ok(level === 1 || level === featureLevels.own)
      assert.ok(commitIndex >= revision)
      assert.deepEqual(members.map(({ member }) => member).sort(), ['a', 'b', 'c'])
      assert.deepEqual(
        members.map(({ role }) => role),
        ['leader', 'voter', 'voter'],
      )
      assert.equal(members[0]!.member, node.status().consensus.leader)
      assert.ok(members.every(({ position, isCaughtUp }) => position >= revision && isCaughtUp))
    }
  })

  it('is refused by a voter that is the only one, which says so', async () => {
    const [only] = await form(['a'])
    const { code, message } = await failureOf(only!.leadership.transfer())
    assert.deepEqual([code, message], ['ERR_BAD_REQUEST', 'there is no other voter to hand over to'])
  })

  it('is refused in a minority, which names the voters', async () => {
    const nodes = await form(['a', 'b', 'c'], () => ({ admin: '127.0.0.1:0' }))
    const [alone, ...others] = nodes
    await Promise.all(others.map((node) => node.stop()))
    await waitUntil(() => alone!.status().consensus.leader === null)
    const headers = { 'content-type': 'application/json' }
    const { status, json } = await ask(`${alone!.admin}/v1/leader/transfer`, { method: 'POST', headers, body: '{}' })
    assert.deepEqual([status, json.code], [503, 'ERR_NO_QUORUM'])
    assert.deepEqual([...(json.details as { voters: string[] }).voters].sort(), ['a', 'b', 'c'])
  })
})

/** What `look` finds at last. */
async function eventually<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
  }
}
