// What must hold whatever the network, the disks and the clocks do, checked as it is observed, in bounded memory:
//
//   one S5        no two hosts hold the lease at the same moment; tokens grow from host to host
//   fencing       no receiver accepts a smaller token after a larger one, not in its next life either
//   decisions     what was acknowledged to a host stays: each later one counts on from it
//   messages      what was acknowledged was handled, exactly once; those of one sender and receiver in their order
//   config        each key is linearizable, as far as clients can tell: no answer is older than one given
//                 before it was asked for
//
// Pure: it is told, and says what was violated. A promise of the cluster that it does not check is checked elsewhere.

import type { Observed } from './observed.ts'

interface Spell {
  readonly node: string
  from: number
  to: number
}

/** What was answered before a client asked: whatever it is told must be at least as new. */
export interface Asked {
  readonly type: 'read' | 'write'
  readonly key: string
  readonly floor: number
}

/** Letters that may be acknowledged before they are known to be handled: pipes are read in any order. */
const MAX_LETTERS = 20_000
const MAX_REVISIONS = 20_000
const MAX_VIOLATIONS = 100
/** Hosts before the last, with which a late record may still overlap. */
const KEPT_SPELLS = 50

export class Oracle {
  readonly violations: string[] = []
  /** How often each kind of thing was observed. */
  readonly counts: Record<Observed['type'] | 'read' | 'write', number> = {
    began: 0,
    held: 0,
    decided: 0,
    accepted: 0,
    handled: 0,
    acknowledged: 0,
    memory: 0,
    read: 0,
    write: 0,
  }
  /** By token. */
  readonly #spells = new Map<number, Spell>()
  readonly #accepted = new Map<string, number>()
  /** The acknowledged decisions that stand next to each other in the log, newest last. */
  readonly #decisions: { readonly index: number; readonly n: number }[] = []
  readonly #handled = new Set<string>()
  readonly #unhandled = new Set<string>()
  readonly #lastHandled = new Map<string, number>()
  readonly #answered = new Map<string, number>()
  readonly #values = new Map<number, string>()

  /** `node` printed this. */
  observe(node: string, observed: Observed): void {
    this.counts[observed.type] += 1
    switch (observed.type) {
      case 'held':
        this.#held(node, observed)
        break
      case 'accepted':
        this.#accept(node, observed.token)
        break
      case 'decided':
        this.#decided(observed)
        break
      case 'handled':
        this.#handle(node, observed)
        break
      case 'acknowledged':
        this.#acknowledge(node, observed)
        break
      case 'began':
      case 'memory':
        break
      default:
        observed satisfies never
    }
  }

  /** A client asks for `key` now. */
  ask(type: Asked['type'], key: string): Asked {
    return { type, key, floor: this.#answered.get(key) ?? 0 }
  }

  /** It was answered; revision 0: there is no such key. A write that failed, or may have happened, is not answered. */
  answered({ type, key, floor }: Asked, revision: number, value: unknown): void {
    this.counts[type] += 1
    const isNew = type === 'read' ? revision >= floor : revision > floor
    if (!isNew) this.#violated(`a ${type} of ${key} was answered with revision ${revision}, after ${floor} had been`)
    this.#answered.set(key, Math.max(revision, this.#answered.get(key) ?? 0))
    if (revision === 0) return
    const text = JSON.stringify([key, value])
    const known = this.#values.get(revision) ?? text
    if (known !== text) this.#violated(`revision ${revision} was both ${known} and ${text}`)
    this.#values.set(revision, text)
    trim(this.#values, MAX_REVISIONS)
  }

  /** Letters that were acknowledged, and not yet seen to be handled. */
  get missing(): number {
    return this.#unhandled.size
  }

  /** Everything that was printed has been observed: what is still missing is lost. */
  conclude(): void {
    for (const letter of this.#unhandled) this.#violated(`${letter} was acknowledged and never handled`)
    this.#unhandled.clear()
  }

  /** Something else that must hold does not. */
  violate(problem: string): void {
    this.#violated(problem)
  }

  #held(node: string, { token, from, to }: Extract<Observed, { type: 'held' }>): void {
    const spell = this.#spells.get(token) ?? { node, from, to }
    if (spell.node !== node) this.#violated(`${node} and ${spell.node} both host S5 with token ${token}`)
    spell.from = Math.min(spell.from, from)
    spell.to = Math.max(spell.to, to)
    this.#spells.set(token, spell)
    trim(this.#spells, KEPT_SPELLS)
    for (const [other, { node: host, from: begin, to: end }] of this.#spells) {
      const [earlier, later] = other < token ? [{ end }, spell] : [{ end: spell.to }, { from: begin }]
      if (other === token || earlier.end < later.from) continue
      const overlapMs = Math.round((earlier.end - later.from) / 1_000)
      this.#violated(`${node} (token ${token}) and ${host} (token ${other}) hosted S5 at once, for ${overlapMs} ms`)
    }
  }

  #accept(node: string, token: number): void {
    const before = this.#accepted.get(node) ?? 0
    if (token < before) this.#violated(`${node} accepted token ${token} after ${before}`)
    this.#accepted.set(node, Math.max(before, token))
  }

  #decided({ index, n, token }: Extract<Observed, { type: 'decided' }>): void {
    if (index <= token) this.#violated(`decision ${n} stands at ${index}, before its token ${token}`)
    const at = this.#decisions.findLastIndex((other) => other.index <= index)
    const [before, behind] = [this.#decisions[at], this.#decisions[at + 1]]
    if (before && before.n >= n)
      this.#violated(`decision ${before.n} at ${before.index} is not counted by ${n} at ${index}`)
    if (behind && behind.n <= n)
      this.#violated(`decision ${n} at ${index} is not counted by ${behind.n} at ${behind.index}`)
    this.#decisions.splice(at + 1, 0, { index, n })
    if (this.#decisions.length > MAX_REVISIONS) this.#decisions.shift()
  }

  #handle(node: string, { from, life, seq }: Extract<Observed, { type: 'handled' }>): void {
    const letter = nameOf(from, node, life, seq)
    if (this.#handled.has(letter)) this.#violated(`${letter} was handled twice`)
    this.#handled.add(letter)
    this.#unhandled.delete(letter)
    trim(this.#handled, MAX_LETTERS)
    const way = `${from} > ${node} in life ${life}`
    const last = this.#lastHandled.get(way) ?? 0
    if (seq < last) this.#violated(`${letter} was handled after letter ${last}`)
    this.#lastHandled.set(way, Math.max(last, seq))
    trim(this.#lastHandled, MAX_LETTERS)
  }

  #acknowledge(node: string, { to, life, seq }: Extract<Observed, { type: 'acknowledged' }>): void {
    const letter = nameOf(node, to, life, seq)
    if (!this.#handled.has(letter)) this.#unhandled.add(letter)
  }

  #violated(problem: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(problem)
  }
}

function nameOf(from: string, to: string, life: number, seq: number): string {
  return `letter ${seq} of ${from} (life ${life}) to ${to}`
}

/** Forgets what came first. */
function trim(known: Map<unknown, unknown> | Set<unknown>, max: number): void {
  for (const key of known.keys()) {
    if (known.size <= max) return
    known.delete(key)
  }
}
