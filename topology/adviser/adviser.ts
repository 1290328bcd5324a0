// Recommends a topology from what was measured, with the figures and the rule that decided. It changes its mind slowly:
// a rule that speaks for another topology must clear its thresholds by a margin, the same advice must hold for a while,
// and after a switch there is a time of rest. Whether anybody follows is not decided here.
//
//   figures ──▶ first rule that holds ──▶ another topology? ──no──▶ stay
//                (margin around each            │ yes, since stableMs, and coolDownMs after the last switch
//                 threshold)                    ▼
//                                            isDue

import { invariant } from '../invariant.ts'
import { type NumberRule, numberProblems } from '../parameters.ts'
import { type AdviceRule, adviceRules, type Condition } from './rules.ts'
import { type Figures, figuresOf, type Situation } from './situation.ts'

/** What the adviser may be tuned by. */
export interface AdviserOptions {
  /**
   * Share of a threshold that must be cleared to leave what there is, and that may be missed to stay. Default 0.2 (a
   * guess). Range 0 to 0.9. Zero: it swings. Large: it never moves.
   */
  readonly margin: number
  /**
   * Milliseconds for which the same advice must hold before it is due. Default 60,000 (a guess). Range 0 to 86,400,000.
   */
  readonly stableMs: number
  /**
   * Milliseconds after a switch in which no advice is due. Default 600,000 (a guess). Range 0 to 604,800,000. Short:
   * links are made and closed again.
   */
  readonly coolDownMs: number
}

/** A fifth around each threshold, a minute of the same advice, ten minutes of rest. */
export const adviserDefaults: AdviserOptions = Object.freeze({ margin: 0.2, stableMs: 60_000, coolDownMs: 600_000 })

const ranges: readonly NumberRule<AdviserOptions>[] = [
  ['margin', 'real', 0, 0.9],
  ['stableMs', 'real', 0, 86_400_000],
  ['coolDownMs', 'real', 0, 604_800_000],
]

/** Every rule that these changes to the defaults break, with the values; empty: none. */
export function adviserProblems(changes: object): string[] {
  return numberProblems('adviser', ranges, changes, adviserDefaults)
}

/** One condition as it was judged. */
export interface JudgedCondition extends Condition {
  readonly measured: number
  /** The threshold with its margin. */
  readonly threshold: number
  readonly holds: boolean
}

/** What the adviser says. */
export interface Advice {
  readonly current: string
  /** Equal to `current`: stay. */
  readonly recommended: string
  /** Name of the rule that decided, and why, as a sentence. */
  readonly rule: string
  readonly because: string
  readonly figures: Figures
  readonly conditions: readonly JudgedCondition[]
  /** Milliseconds for which it has recommended this. */
  readonly stableForMs: number
  /** Milliseconds of rest that are left after the last switch. */
  readonly coolDownLeftMs: number
  /** Another topology, for long enough, and not too soon after the last switch: who switches by itself does it now. */
  readonly isDue: boolean
}

/** Rules, and what was recommended how long. */
export class Adviser {
  readonly #options: AdviserOptions
  readonly #rules: readonly AdviceRule[]
  #recommended: string | undefined
  #since = 0

  /** Throws an `InvariantError` when an option is out of range. `rules`: the last one must always hold. */
  constructor(changes: Partial<AdviserOptions> = {}, rules: readonly AdviceRule[] = adviceRules) {
    const problems = adviserProblems(changes)
    invariant(problems.length === 0, problems.join('; '))
    invariant(rules.at(-1)?.conditions.length === 0, 'the last rule of the adviser always holds')
    this.#options = { ...adviserDefaults, ...changes }
    this.#rules = rules
  }

  /**
   * What to do now. `available`: topologies that these members can form; rules for others are passed over.
   * `lastSwitchAt`: by the same clock as `now`; undefined: never.
   */
  advise(
    situation: Situation,
    current: string,
    available: readonly string[],
    now: number,
    lastSwitchAt?: number,
  ): Advice {
    const figures = figuresOf(situation)
    const decided = this.#decide(figures, current, available)
    const recommended = decided.rule.topology ?? current
    if (recommended !== this.#recommended) {
      this.#recommended = recommended
      this.#since = now
    }
    const { stableMs, coolDownMs } = this.#options
    const stableForMs = now - this.#since
    const coolDownLeftMs = lastSwitchAt === undefined ? 0 : Math.max(0, lastSwitchAt + coolDownMs - now)
    return {
      current,
      recommended,
      rule: decided.rule.name,
      because: decided.rule.because,
      figures,
      conditions: decided.conditions,
      stableForMs,
      coolDownLeftMs,
      isDue: recommended !== current && stableForMs >= stableMs && coolDownLeftMs === 0,
    }
  }

  #decide(figures: Figures, current: string, available: readonly string[]) {
    for (const rule of this.#rules) {
      if (rule.topology !== undefined && !available.includes(rule.topology)) continue
      const conditions = rule.conditions.map((condition) => this.#judge(condition, figures, rule.topology === current))
      if (conditions.every(({ holds }) => holds)) return { rule, conditions }
    }
    return { rule: this.#rules.at(-1) as AdviceRule, conditions: [] }
  }

  /** Staying is easy, leaving needs more. */
  #judge(condition: Condition, figures: Figures, isCurrent: boolean): JudgedCondition {
    const { figure, is, value, isExact } = condition
    const measured = figures[figure]
    const isEasier = isCurrent === (is === 'at-least')
    const factor = isExact ? 1 : isEasier ? 1 - this.#options.margin : 1 + this.#options.margin
    const threshold = value * factor
    return {
      ...condition,
      measured,
      threshold,
      holds: is === 'at-least' ? measured >= threshold : measured <= threshold,
    }
  }
}
