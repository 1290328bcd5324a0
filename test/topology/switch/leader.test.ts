// What the scenarios do not reach: one switch right after another.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LeaderEvent, type LeaderInput, SwitchLeader } from '../../../topology/index.ts'

const members = ['a', 'b']
const alive = new Map(members.map((member) => [member, 'alive' as const]))
const first = { index: 5, to: 'hyparview', required: members, timeoutMs: 30_000 }
const next = { index: 9, to: 'client-server', required: members, timeoutMs: 30_000 }
const past = { index: 5, epoch: 1, from: 'full-mesh', to: 'hyparview', outcome: 'committed', reason: '' } as const

describe('the leader of a switch', () => {
  for (const [when, logs] of [
    ['while the first is wrapped up', [[undefined], [next]]],
    ['in the same entry batch', [[next]]],
  ] as const) {
    it(`says that a switch has ended when the next one begins ${when}`, () => {
      const leader = new SwitchLeader('a')
      const events: LeaderEvent[] = []
      const step = (input: LeaderInput, now: number): void => {
        for (const effect of leader.step(input, now)) if (effect.type === 'emit') events.push(effect.event)
      }
      const log = { type: 'log', leads: true, epoch: 0, name: 'full-mesh', history: [] } as const
      step({ ...log, proposal: undefined }, 0)
      step({ type: 'members', states: alive }, 0)
      step({ ...log, proposal: first }, 1)
      for (const [proposal] of logs) step({ ...log, epoch: 1, name: 'hyparview', history: [past], proposal }, 2)
      const settled = events.filter(({ type }) => type === 'settled')
      assert.deepEqual(
        settled.map((event) => event.type === 'settled' && [event.past, event.members.length]),
        [[past, members.length]],
      )
    })
  }

  for (const [outcome, endsAt, toldAt] of [
    ['aborted', 1_505, 1_805],
    ['committed', 1_400, 1_801],
  ] as const) {
    it(`says soon after its deadline that it was ${outcome}, whoever is silent, and tells that one all the same`, () => {
      const leader = new SwitchLeader('a')
      const told: number[] = []
      let sent = 0
      const step = (input: LeaderInput, now: number): void => {
        for (const effect of leader.step(input, now)) {
          if (effect.type === 'emit' && effect.event.type === 'settled') told.push(now)
          if (effect.type === 'send' && effect.message.type === 'decided' && effect.to === 'b') sent += 1
        }
      }
      const log = { type: 'log', leads: true, epoch: 0, name: 'full-mesh', history: [] } as const
      step({ ...log, proposal: undefined }, 0)
      step({ type: 'members', states: alive }, 0)
      step({ ...log, proposal: { ...first, timeoutMs: 1_500 } }, 1)
      const ended = { ...past, outcome }
      step({ ...log, history: [ended], proposal: undefined }, endsAt)
      step({ type: 'message', from: 'a', message: { type: 'adopted', proposal: 5 } }, endsAt)
      const before = sent
      for (let now = endsAt + 1; now < endsAt + 3_100; now++) step({ type: 'timer', timer: 'repeat' }, now)
      assert.deepEqual(told, [toldAt])
      assert.ok(sent >= before + 8, `${sent - before} times`)
    })
  }
})
