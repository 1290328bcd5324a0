// Is a history linearizable (Herlihy and Wing 1990)? That is: is there an order of its operations that contradicts no
// real time, and in which one copy of the object, used by one client after the other, gives every answer that was
// given? A search after Wing and Gong (1993) that remembers where it has been (Lowe 2017). It knows nothing of logs,
// revisions or leaders: only the model of the object.
//
// An operation whose answer nobody saw may have taken effect at any time after it began, or never.

/** One call of a client. Times are in any unit, by one clock. */
export interface Operation<Call, Reply> {
  readonly call: Call
  readonly began: number
  /** Infinite: its answer was never seen, and `reply` is not looked at. */
  readonly ended: number
  readonly reply: Reply
}

/** What one copy of the object does, without faults and without others. */
export interface Model<State, Call, Reply> {
  readonly initial: State
  /** Must not change `state`. */
  step(state: State, call: Call): { readonly state: State; readonly reply: Reply }
  /** Equal texts for equal states. */
  textOf(state: State): string
  isSame(one: Reply, other: Reply): boolean
}

/** `undecided`: the search took more steps than it may. */
export type Verdict = 'linearizable' | 'not-linearizable' | 'undecided'

/**
 * A search that takes longer has as good as failed: the histories of clients who ask one thing at a time take a few
 * steps an operation.
 */
const MAX_STEPS = 400_000

/** One place of the search: what was put in order so far, and what is still to be tried there. */
interface Place<State> {
  readonly state: State
  /** All completed operations before it are in the order. */
  readonly first: number
  /** Completed ones behind `first` that are in the order, ascending. */
  readonly beyond: readonly number[]
  /** Those without an answer that are in the order: a bit each. */
  readonly used: bigint
}

/** Searches for an order. */
export function checkLinearizable<State, Call, Reply>(
  history: readonly Operation<Call, Reply>[],
  model: Model<State, Call, Reply>,
): Verdict {
  const byBegin = [...history].sort((a, b) => a.began - b.began)
  const search = new Search(
    byBegin.filter(({ ended }) => Number.isFinite(ended)),
    byBegin.filter(({ ended }) => !Number.isFinite(ended)),
    model,
  )
  return search.run()
}

class Search<State, Call, Reply> {
  readonly #completed: readonly Operation<Call, Reply>[]
  readonly #open: readonly Operation<Call, Reply>[]
  readonly #model: Model<State, Call, Reply>
  readonly #seen = new Map<string, bigint[]>()
  readonly #places: { readonly place: Place<State>; readonly triesOpen: boolean }[] = []

  constructor(
    completed: readonly Operation<Call, Reply>[],
    open: readonly Operation<Call, Reply>[],
    model: Model<State, Call, Reply>,
  ) {
    this.#completed = completed
    this.#open = open
    this.#model = model
  }

  run(): Verdict {
    this.#visit({ state: this.#model.initial, first: 0, beyond: [], used: 0n })
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const next = this.#places.pop()
      if (next === undefined) return 'not-linearizable'
      if (next.place.first === this.#completed.length) return 'linearizable'
      if (next.triesOpen) this.#tryOpen(next.place)
      else this.#tryCompleted(next.place)
    }
    return 'undecided'
  }

  /**
   * What can come next: whatever began before the first of the others ended. The likeliest is visited last, for it is
   * tried first.
   */
  #tryCompleted(place: Place<State>): void {
    const { state, first, beyond, used } = place
    // Those without an answer only when nothing else leads to an end.
    if (this.#open.length > 0) this.#places.push({ place, triesOpen: true })
    const next: number[] = []
    let earliestEnd = Number.POSITIVE_INFINITY
    for (let index = first; index < this.#completed.length; index++) {
      const { began, ended } = this.#completed[index]!
      if (began > earliestEnd) break
      if (beyond.includes(index)) continue
      next.push(index)
      earliestEnd = Math.min(earliestEnd, ended)
    }
    next.sort((a, b) => this.#completed[b]!.ended - this.#completed[a]!.ended)
    for (const index of next) {
      const { call, reply } = this.#completed[index]!
      const step = this.#model.step(state, call)
      if (!this.#model.isSame(step.reply, reply)) continue
      this.#visit({ ...advanced(first, including(beyond, index)), state: step.state, used })
    }
    const soonest = this.#completed[next.at(-1)!]!
    if (!this.#fits(state, soonest)) this.#tryOpen(place, (after) => this.#fits(after, soonest))
  }

  #fits(state: State, { call, reply }: Operation<Call, Reply>): boolean {
    return this.#model.isSame(this.#model.step(state, call).reply, reply)
  }

  /** Only those that lead to a state as wanted. */
  #tryOpen({ state, first, beyond, used }: Place<State>, isWanted: (state: State) => boolean = () => true): void {
    let earliestEnd = Number.POSITIVE_INFINITY
    for (let index = first; index < this.#completed.length; index++) {
      const { began, ended } = this.#completed[index]!
      if (began > earliestEnd) break
      if (!beyond.includes(index)) earliestEnd = Math.min(earliestEnd, ended)
    }
    for (const [index, { call, began }] of this.#open.entries()) {
      if (began > earliestEnd) break
      if ((used & (1n << BigInt(index))) !== 0n) continue
      const step = this.#model.step(state, call)
      // One that changes nothing may as well never have been.
      if (step.state !== state && isWanted(step.state))
        this.#visit({ first, beyond, state: step.state, used: used | (1n << BigInt(index)) })
    }
  }

  #visit(place: Place<State>): void {
    const { state, first, beyond, used } = place
    const text = `${first} ${beyond} ${this.#model.textOf(state)}`
    const known = this.#seen.get(text)
    if (known === undefined) {
      this.#seen.set(text, [used])
    } else {
      // Whoever came here with fewer of them used can do all that this one can.
      if (known.some((fewer) => (fewer & used) === fewer)) return
      known.push(used)
    }
    this.#places.push({ place, triesOpen: false })
  }
}

function including(list: readonly number[], index: number): number[] {
  return [...list, index].sort((a, b) => a - b)
}

function advanced(first: number, beyond: readonly number[]): { first: number; beyond: readonly number[] } {
  let done = 0
  while (beyond[done] === first + done) done++
  return { first: first + done, beyond: beyond.slice(done) }
}
