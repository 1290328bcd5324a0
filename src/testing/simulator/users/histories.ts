// What all users of one run did, object by object, and what must be true of it: each history is linearizable, a watch
// has told every change once and in order, and so much was answered for certain that an idle cluster could not pass.

import type { ConfigChange } from '../../../../consensus/index.ts'
import { checkLinearizable, type Model, type Operation } from '../../linearizability.ts'
import { check } from '../failure.ts'
import {
  type ConfigAnswer,
  type ConfigCall,
  type CountCall,
  configModel,
  counterModel,
  type TopologyCall,
  topologyModel,
} from './models.ts'

/** An operation that has begun; told how it ended, or dropped when it has certainly not happened. */
export interface Begun<Reply> {
  answered(reply: Reply): void
  never(): void
}

/** The operations on one object. */
export class ObjectHistory<State, Call, Reply> {
  readonly #name: string
  readonly #model: Model<State, Call, Reply>
  readonly #now: () => number
  readonly #operations = new Set<{ call: Call; began: number; ended: number; reply: Reply }>()
  /** Operations whose answer was seen. */
  answered = 0

  constructor(name: string, model: Model<State, Call, Reply>, now: () => number) {
    this.#name = name
    this.#model = model
    this.#now = now
  }

  begin(call: Call): Begun<Reply> {
    const operation = { call, began: this.#now(), ended: Number.POSITIVE_INFINITY, reply: undefined as Reply }
    this.#operations.add(operation)
    return {
      answered: (reply) => {
        operation.ended = this.#now()
        operation.reply = reply
        this.answered++
      },
      never: () => this.#operations.delete(operation),
    }
  }

  get unanswered(): number {
    return this.#operations.size - this.answered
  }

  check(): void {
    const history: Operation<Call, Reply>[] = [...this.#operations]
    const verdict = checkLinearizable(history, this.#model)
    check(
      verdict === 'linearizable',
      'linearizable-history',
      () => `${this.#name} is ${verdict}: ${history.map((each) => JSON.stringify(each)).join('\n')}`,
    )
  }
}

/** All of one run. */
export class Histories {
  readonly config: ObjectHistory<unknown, ConfigCall, ConfigAnswer>
  readonly topology: ObjectHistory<unknown, TopologyCall, string>
  readonly #counters = new Map<string, ObjectHistory<number, CountCall, number>>()
  readonly #watches: Watch[] = []
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
    this.config = new ObjectHistory('config', configModel as Model<unknown, ConfigCall, ConfigAnswer>, now)
    this.topology = new ObjectHistory('the topology', topologyModel as Model<unknown, TopologyCall, string>, now)
  }

  counter(name: string): ObjectHistory<number, CountCall, number> {
    const known = this.#counters.get(name) ?? new ObjectHistory(`counter ${name}`, counterModel, this.#now)
    this.#counters.set(name, known)
    return known
  }

  watch(user: string): Watch {
    const watch = new Watch(user)
    this.#watches.push(watch)
    return watch
  }

  get answered(): number {
    return this.#all().reduce((sum, { answered }) => sum + answered, 0)
  }

  get unanswered(): number {
    return this.#all().reduce((sum, { unanswered }) => sum + unanswered, 0)
  }

  /** `changes`: all that config has seen, in the order of the log. */
  check(changes: readonly ConfigChange[]): void {
    for (const history of this.#all()) history.check()
    for (const watch of this.#watches) watch.check(changes)
  }

  #all(): ObjectHistory<unknown, never, unknown>[] {
    return [this.config, this.topology, ...this.#counters.values()] as unknown as ObjectHistory<
      unknown,
      never,
      unknown
    >[]
  }
}

/** A watch of all keys that goes from member to member, and asks each to go on where the last one ended. */
export class Watch {
  readonly #user: string
  readonly #told: string[] = []
  readonly #skipped: [from: number, to: number][] = []
  from = 1

  constructor(user: string) {
    this.#user = user
  }

  /** It came too late for what was changed up to `compacted`, and was told so. */
  skips(compacted: number): void {
    this.#skipped.push([this.from, compacted])
    this.from = compacted + 1
  }

  told(changes: readonly ConfigChange[], next: number): void {
    for (const change of changes) this.#told.push(textOf(change))
    this.from = next
  }

  check(changes: readonly ConfigChange[]): void {
    const isSkipped = (revision: number): boolean =>
      revision >= this.from || this.#skipped.some(([from, to]) => revision >= from && revision <= to)
    const expected = changes.filter(({ revision }) => !isSkipped(revision)).map(textOf)
    check(
      expected.join('\n') === this.#told.join('\n'),
      'watch-without-gap',
      () => `${this.#user} was told ${this.#told.join('; ')} up to ${this.from} of ${expected.join('; ')}`,
    )
  }
}

function textOf({ key, value, revision }: ConfigChange): string {
  return `${revision} ${key}=${value ?? ''}`
}
