// Planted bugs in what users are served: sessions, config, counters, leases, watches, and commands of later releases;
// see `bugs.ts`.

import type { Bug } from './bug.ts'

export const bugsOfData: readonly Bug[] = [
  /** A command that was sent twice is applied twice. */
  {
    name: 'retry-applied-twice',
    focus: 'using',
    noticedBy: ['linearizable-history', 'one-holder', 'fencing-token', 'watch-without-gap'],
    misapplies: (command, apply) => apply(command.type === 'in-session' ? command.command : command),
  },
  /** The condition of a write is not looked at. */
  {
    name: 'compare-and-set-without-compare',
    focus: 'using',
    noticedBy: ['linearizable-history'],
    misapplies: (command, apply) => {
      if (command.type !== 'in-session' || command.command.type !== 'write') return apply(command)
      return apply({ ...command, command: { ...command.command, conditions: [] } })
    },
  },
  /** Of a transaction only the first operation is done. */
  {
    name: 'half-a-transaction',
    focus: 'using',
    noticedBy: ['linearizable-history'],
    misapplies: (command, apply) => {
      if (command.type !== 'in-session' || command.command.type !== 'write') return apply(command)
      return apply({ ...command, command: { ...command.command, operations: command.command.operations.slice(0, 1) } })
    },
  },
  /** A read is answered from whatever copy there is. */
  {
    name: 'read-from-any-copy',
    focus: 'using',
    noticedBy: ['linearizable-history', 'one-holder', 'fencing-token'],
    servesOldCopies: true,
  },
  /** The leader ends a lease by the wall clock, which somebody sets forward. */
  {
    name: 'claims-by-wall-clock',
    focus: 'using',
    noticedBy: ['one-holder'],
    expiresByWallClock: true,
  },
  /** The leader ends a lease after the lease's own time, as if all clocks ran alike and no margin were needed. */
  {
    name: 'claims-ended-early',
    focus: 'using',
    noticedBy: ['one-holder'],
    expiryDrift: -0.5,
  },
  /** A snapshot lacks what clients were answered: after it a retry is applied again. */
  {
    name: 'snapshot-without-sessions',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'state-machine-safety', 'acknowledged-kept', 'linearizable-history'],
    capturesWithout: 'sessions',
  },
  /** One more than may holds a lock. */
  {
    name: 'lock-for-two',
    focus: 'using',
    noticedBy: ['one-holder', 'fencing-token'],
    misapplies: (command, apply) => {
      if (command.type !== 'in-session' || command.command.type !== 'claim' || command.command.kind !== 'lock')
        return apply(command)
      return apply({ ...command, command: { ...command.command, kind: 'semaphore', limit: 2 } })
    },
  },
  /** A barrier opens for one less than it is for. */
  {
    name: 'barrier-opens-early',
    focus: 'using',
    noticedBy: ['one-holder'],
    misapplies: (command, apply) => {
      if (command.type !== 'in-session' || command.command.type !== 'claim' || command.command.kind !== 'barrier')
        return apply(command)
      return apply({ ...command, command: { ...command.command, limit: 1 } })
    },
  },
  /** A watch takes a batch of changes that was cut short for all there are. */
  {
    name: 'watch-skips-changes',
    focus: 'using',
    noticedBy: ['watch-without-gap'],
    skipsChanges: true,
  },
  /** A switch of the topology that is over is committed once more. */
  {
    name: 'topology-committed-anew',
    focus: 'using',
    noticedBy: ['linearizable-history'],
    misapplies: (command, apply) => {
      const reply = apply(command)
      return command.type === 'commit-topology' && reply.type === 'no-such-switch' ? { type: 'ok', index: 0 } : reply
    },
  },
  /** A leader proposes what it can apply itself, whatever the others can. */
  {
    name: 'level-raised-alone',
    focus: 'upgrading',
    noticedBy: ['known-commands'],
    raisesLevelAlone: true,
  },
]
