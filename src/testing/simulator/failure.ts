// How a run fails: a property that did not hold, with everything needed to see it again.

/** The properties the simulator watches; the files of `invariants/` say what each one means. */
export type Property =
  | 'election-safety'
  | 'log-matching'
  | 'leader-completeness'
  | 'state-machine-safety'
  | 'durable-commit'
  | 'one-vote-per-term'
  | 'term-monotonic'
  | 'single-s5'
  | 'fencing-token'
  | 'acknowledged-kept'
  | 'linearizable-reads'
  | 'snapshot-truth'
  | 'one-change-at-a-time'
  | 'linearizable-history'
  | 'watch-without-gap'
  | 'one-holder'
  | 'known-commands'
  | 'membership-truth'
  | 'one-cluster'
  | 'no-crash'
  | 'liveness'

/** Thrown by a check; the cluster turns it into a {@link SimulationFailure}. */
export class PropertyViolation extends Error {
  override readonly name = 'PropertyViolation'
  readonly property: Property

  constructor(property: Property, text: string, cause?: unknown) {
    super(text, { cause })
    this.property = property
  }
}

/** Fails the run when `condition` is false. `text` is only built then. */
export function check(condition: boolean, property: Property, text: () => string): asserts condition {
  if (!condition) throw new PropertyViolation(property, text())
}

export interface FailureContext {
  readonly seed: number
  readonly bug: string | undefined
  /** True virtual time in milliseconds. */
  readonly at: number
  /** Events until then. */
  readonly events: number
  /** The last events before the violation, oldest first; bounded. */
  readonly trace: readonly string[]
}

/** A seed whose run broke a property. The message holds the trace's tail and the command that replays it. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
  readonly seed: number
  readonly bug: string | undefined
  readonly at: number
  readonly property: Property
  /** What did not hold, in one sentence. */
  readonly violation: string
  readonly events: number
  readonly trace: readonly string[]
  readonly replay: string

  constructor(violation: PropertyViolation, context: FailureContext) {
    const replay = replayCommand(context.seed, context.bug)
    const place = `seed ${context.seed} at ${context.at.toFixed(3)} ms`
    super(`${violation.property}: ${violation.message} (${place})\nreplay: ${replay}\n${context.trace.join('\n')}`, {
      cause: violation,
    })
    this.seed = context.seed
    this.bug = context.bug
    this.at = context.at
    this.property = violation.property
    this.violation = violation.message
    this.events = context.events
    this.trace = context.trace
    this.replay = replay
  }
}

/** The command that shows the same run again. */
export function replayCommand(seed: number, bug: string | undefined): string {
  return `trellis simulate --seed ${seed}${bug === undefined ? '' : ` --bug ${bug}`}`
}
