// A member of `write-chain.ts`: works on data as the benches' member does, and notes around the library's methods when
// each leg of a write begins. SIGUSR2 prints the notes as one line and begins anew.

import { TLSSocket } from 'node:tls'
import { clock } from '../src/bench/recorded.ts'

export interface Note {
  readonly at: number
  readonly what: string
}

const library = process.env.WRITE_CHAIN_LIBRARY!
let notes: Note[] = []
const maxNotes = 400_000

const { Raft } = await import(`${library}/consensus/raft.ts`)
const { Submissions } = await import(`${library}/src/coordination/submissions.ts`)
const { FlushPace } = await import(`${library}/src/storage/flush-pace.ts`)
const { FileLog } = await import(`${library}/src/storage/file-log.ts`)

function note(what: string): void {
  if (notes.length < maxNotes) notes.push({ at: clock(), what })
}

type Method = (this: unknown, ...given: never[]) => unknown

/** Notes `before` and `after` each call of a method, behind its promise if it gives one. */
function around(owner: object, method: string, before: (given: never[]) => string | undefined, after?: string): void {
  const methods = owner as Record<string, Method>
  const original = methods[method]!
  methods[method] = function (...given) {
    const what = before(given)
    if (what !== undefined) note(what)
    const result = original.apply(this, given)
    if (after === undefined || what === undefined) return result
    if (!(result instanceof Promise)) note(after)
    else void result.then(() => note(after))
    return result
  }
}

around(Submissions.prototype, 'submit', () => 'call', 'answered')
around(FileLog.prototype, 'append', () => 'flush', 'flushed')
around(Raft.prototype, 'step', ([input]) => stepOf(input!))
around(TLSSocket.prototype, 'write', () => 'writing', 'written')
around(TLSSocket.prototype, 'push', () => 'read')

function stepOf(input: { type: string; message?: { type: string; entries?: readonly unknown[] } }): string | undefined {
  const { type, message } = input
  if (type === 'propose-all' || type === 'persisted') return type
  if (message?.type === 'append') return message.entries!.length > 0 ? 'append' : undefined
  return message?.type === 'append-reply' ? 'append-reply' : undefined
}

// A disk on a machine that others load is no quick one for long; what it is like when they do not is told so.
if (process.env.WRITE_CHAIN_QUICK === '1') FlushPace.prototype.mayBlock = () => true

process.on('SIGUSR2', () => {
  process.stdout.write(`${JSON.stringify({ type: 'notes', pid: process.pid, notes })}\n`)
  notes = []
})
await import(`${library}/src/bench/data-work.ts`)
