// How a user gets through to the cluster: questions and answers take their time and get lost, and what was not answered
// is sent again, to whoever may know better. At the end it is answered, or has certainly not happened, or nobody can
// say.

import type { ClusterMachine, ClusterReply } from '../../../../consensus/index.ts'
import type { Prng } from '../random.ts'
import type { Schedule } from '../schedule.ts'

/** A node as a user sees it. */
export interface DataServer {
  readonly isRunning: boolean
  readonly isLeading: boolean
  /**
   * `answered` gets the machine's reply, or undefined when it was not taken and never will be. It is called at most
   * once.
   */
  submit(command: Parameters<ClusterMachine['apply']>[1], answered: (reply: ClusterReply | undefined) => void): void
  /** A linearizable read: `served` gets the machine, or undefined when it was refused. It is called at most once. */
  ask(served: (machine: ClusterMachine | undefined) => void): void
  /** Its own copy, however old. */
  look(): ClusterMachine | undefined
}

/** `never`: it has certainly not happened. `unknown`: it may have, and may still. */
export type Outcome<Answer> =
  | { readonly type: 'answered'; readonly answer: Answer }
  | { readonly type: 'never' | 'unknown' }

/** One try: what it answers, or undefined when it was refused. */
type Attempt<Answer> = (server: DataServer, answered: (answer: Answer | undefined) => void) => void

/** Chance that a user asks a random node instead of one that believes it leads. */
const ASKS_ANYBODY = 0.2
const USUAL_DELAY_MS = 3
/** Chance that a message takes long, up to so long, and that an answer is lost. */
const IS_LATE = 0.05
const LATEST_MS = 3_000
const IS_LOST = 0.08

const PATIENCE_MS = [200, 1_500] as const
const REFUSED_PAUSE_MS = 40

export class Exchange {
  readonly #servers: readonly DataServer[]
  readonly #schedule: Schedule
  readonly #random: Prng

  constructor(servers: readonly DataServer[], schedule: Schedule, random: Prng) {
    this.#servers = servers
    this.#schedule = schedule
    this.#random = random
  }

  get server(): DataServer | undefined {
    const running = this.#servers.filter((server) => server.isRunning)
    return running.length === 0 ? undefined : this.#random.pick(running)
  }

  /** Tries until it is answered, `tries` times at most; `done` hears once what became of it. */
  run<Answer>(tries: number, attempt: Attempt<Answer>, done: (outcome: Outcome<Answer>) => void): void {
    let left = tries
    /** Attempts of which nobody has said that they did not happen. */
    let open = 0
    let isDone = false
    const finish = (outcome: Outcome<Answer>): void => {
      if (isDone) return
      isDone = true
      done(outcome)
    }
    const again = (): void => {
      if (isDone) return
      if (left === 0) {
        finish({ type: open === 0 ? 'never' : 'unknown' })
        return
      }
      left--
      const server = this.#choose()
      if (server === undefined) {
        this.#schedule.after(REFUSED_PAUSE_MS, again)
        return
      }
      open++
      let isOver = false
      const over = (afterMs: number): void => {
        if (isOver) return
        isOver = true
        this.#schedule.after(afterMs, again)
      }
      this.#schedule.after(this.#delay(), () =>
        attempt(server, (answer) => {
          if (this.#random.chance(IS_LOST)) return
          this.#schedule.after(this.#delay(), () => {
            if (answer !== undefined) return finish({ type: 'answered', answer })
            open--
            over(this.#random.exponential(REFUSED_PAUSE_MS))
          })
        }),
      )
      this.#schedule.after(this.#random.between(...PATIENCE_MS), () => over(0))
    }
    again()
  }

  #choose(): DataServer | undefined {
    const running = this.#servers.filter((server) => server.isRunning)
    const leading = running.filter((server) => server.isLeading)
    const choice = leading.length === 0 || this.#random.chance(ASKS_ANYBODY) ? running : leading
    return choice.length === 0 ? undefined : this.#random.pick(choice)
  }

  #delay(): number {
    return this.#random.chance(IS_LATE) ? this.#random.between(0, LATEST_MS) : this.#random.exponential(USUAL_DELAY_MS)
  }
}
