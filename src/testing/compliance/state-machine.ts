// The state machine's contract, as cases: each sentence of `consensus/state-machine.ts` is one. A machine's test is a
// call: `testStateMachine('cluster', { create, commands, harmless })`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogIndex, StateMachine, Term } from '../../../consensus/index.ts'

/** How the suite gets machines, and what it feeds them. */
export interface StateMachineSubject<Command, Reply, State> {
  /** A machine as it is before the first entry. */
  create(): StateMachine<Command, Reply, State>
  /** A history that reaches every part of the state; the terms never fall, the indexes are the suite's. */
  readonly history: readonly { readonly term: Term; readonly command: Command }[]
  /**
   * Commands that cannot be done after that history, in an entry of `term`: stale, past a bound, refused. Of them and
   * of commands nobody knows the state must not change.
   */
  readonly harmless: { readonly term: Term; readonly commands: readonly Command[] }
  /** A command of a release to come. It passes no codec of this one; the machine stands it all the same. */
  readonly unknown: Command
}

/** Checks one machine. */
export function testStateMachine<Command, Reply, State>(
  name: string,
  { create, history, harmless, unknown }: StateMachineSubject<Command, Reply, State>,
): void {
  const entries = history.map(({ term, command }, position) => ({ meta: { index: position + 1, term }, command }))

  /** Applies entries after `from` up to `to` and returns the replies. */
  function apply(machine: StateMachine<Command, Reply, State>, from: LogIndex, to: LogIndex): Reply[] {
    return entries.slice(from, to).map(({ meta, command }) => machine.apply(meta, structuredClone(command)))
  }

  function replayed(): StateMachine<Command, Reply, State> {
    const machine = create()
    apply(machine, 0, entries.length)
    return machine
  }

  describe(`state machine ${name}`, () => {
    it('is deterministic: the same entries give the same replies and the same state', () => {
      const one = create()
      const other = create()
      assert.deepEqual(apply(one, 0, entries.length), apply(other, 0, entries.length))
      assert.deepEqual(one.snapshot(), other.snapshot())
    })

    it('replaying the log equals restoring a snapshot, taken anywhere, and replaying the tail', () => {
      const whole = create()
      const replies = apply(whole, 0, entries.length)
      for (let cut = 0; cut <= entries.length; cut++) {
        const first = create()
        apply(first, 0, cut)
        const second = create()
        second.restore(structuredClone(first.snapshot()))
        assert.deepEqual(second.snapshot(), first.snapshot(), `restored at ${cut}`)
        assert.deepEqual(apply(second, cut, entries.length), replies.slice(cut), `replies after ${cut}`)
        assert.deepEqual(second.snapshot(), whole.snapshot(), `state after ${cut}`)
      }
    })

    it('restoring replaces all that was there', () => {
      const machine = replayed()
      machine.restore(create().snapshot())
      assert.deepEqual(machine.snapshot(), create().snapshot())
    })

    it('a snapshot is plain data', () => {
      const state = replayed().snapshot()
      assert.deepEqual(structuredClone(state), state)
    })

    it('a snapshot is detached: what the machine does later does not show in it', () => {
      const machine = create()
      const before = machine.snapshot()
      const copy = structuredClone(before)
      apply(machine, 0, entries.length)
      assert.deepEqual(before, copy)
      assert.notDeepEqual(machine.snapshot(), copy, 'the history changes something')
    })

    it('a state is detached: what its owner does to it after restoring does not show in the machine', () => {
      const state = replayed().snapshot()
      const machine = create()
      machine.restore(state)
      scribble(state)
      assert.deepEqual(machine.snapshot(), replayed().snapshot())
    })

    it('what cannot be done is a reply and changes nothing', () => {
      assert.notEqual(harmless.commands.length, 0)
      for (const command of harmless.commands) {
        const machine = replayed()
        const reply = machine.apply({ index: entries.length + 1, term: harmless.term }, command)
        assert.notEqual(reply, undefined)
        assert.deepEqual(machine.snapshot(), replayed().snapshot(), JSON.stringify(command))
      }
    })

    it('a command of a release to come is refused and changes nothing', () => {
      const machine = replayed()
      assert.notEqual(machine.apply({ index: entries.length + 1, term: harmless.term }, unknown), undefined)
      assert.deepEqual(machine.snapshot(), replayed().snapshot())
    })
  })
}

/** Overwrites whatever can be: bytes, items of lists, fields of records that are not frozen. */
function scribble(value: unknown): void {
  if (value instanceof Uint8Array) {
    value.fill(0xff)
  } else if (value instanceof Map || value instanceof Set) {
    value.clear()
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) scribble(inner)
    if (Array.isArray(value) && !Object.isFrozen(value)) value.length = 0
    else if (!Object.isFrozen(value)) for (const key of Object.keys(value)) Reflect.deleteProperty(value, key)
  }
}
