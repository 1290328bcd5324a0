// Overlays of users, held to the shape of their interface. One that throws, or answers what it must not, does so on
// every member at the same input: it must not stop the cluster. It is asked no more; what it held stays, it is never
// formed again, so a switch to it is given up, and messages find ways by themselves until the cluster is switched to
// another one.

import type {
  Connectivity,
  Overlay,
  OverlayDefinition,
  OverlayEffect,
  OverlayEvent,
  OverlayInput,
} from '../../topology/index.ts'
import { ClusterError } from '../errors.ts'
import { MAX_OVERLAY_MESSAGE_BYTES } from '../wire/limits.ts'

/** `error`: what it threw, or what is wrong with what it answered. */
export type OverlayFailed = (name: string, error: unknown) => void

type Definition = OverlayDefinition<unknown>
/** The guard encodes: what fails there is the overlay's failure. */
type Effect = OverlayEffect<Uint8Array, OverlayEvent>

/**
 * Each definition, with overlays that never throw. `create` of `definition` may throw still: nothing has been begun by
 * then.
 */
export function guardedOverlays(definitions: readonly Definition[], onFailed: OverlayFailed): Definition[] {
  return definitions.map((definition) => guarded(definition, onFailed))
}

/** Method by method: a user's overlay may be an instance of a class. */
function guarded(definition: Definition, onFailed: OverlayFailed): Definition {
  const { name } = definition
  return {
    name,
    codec: {
      encode: (message) => message as Uint8Array,
      decode: (bytes) => atOnce(definition.codec?.decode(bytes)),
    },
    problems: (parameters) => definition.problems(parameters),
    refusal: (members) => {
      try {
        const refusal = atOnce(definition.refusal(members)) ?? undefined
        if (refusal === undefined || (isText(refusal.code) && isText(refusal.message))) return refusal
        throw new TypeError('refusal() must answer undefined, or a code and a message')
      } catch (error) {
        return { code: 'ERR_BAD_REQUEST', message: failureOf(name, error) }
      }
    },
    estimate: (...asked) => {
      try {
        const estimate = atOnce(definition.estimate(...asked))
        const { links, linksPerMember, hops } = estimate
        if ([links, linksPerMember, hops].every((figure) => typeof figure === 'number')) return estimate
        throw new TypeError('estimate() must answer the numbers links, linksPerMember and hops')
      } catch (cause) {
        const problem = failureOf(name, cause)
        throw new ClusterError('ERR_BAD_REQUEST', problem, { problem }, { cause })
      }
    },
    create: (setup) => new GuardedOverlay(definition, atOnce(definition.create(setup)), onFailed),
  }
}

class GuardedOverlay implements Overlay<unknown, OverlayEvent> {
  readonly name: string
  readonly #definition: Definition
  readonly #overlay: Overlay<unknown, OverlayEvent>
  readonly #onFailed: OverlayFailed
  #hasFailed = false
  /** As it last said. */
  #neighbors: readonly string[] = []

  constructor(definition: Definition, overlay: Overlay<unknown, OverlayEvent>, onFailed: OverlayFailed) {
    this.name = definition.name
    this.#definition = definition
    this.#overlay = overlay
    this.#onFailed = onFailed
  }

  get capacity(): number {
    return this.#ask(() => this.#overlay.capacity, 0)
  }

  step(input: OverlayInput<unknown>, now: number): readonly OverlayEffect<unknown, OverlayEvent>[] {
    return this.#ask(() => checkedEffects(atOnce(this.#overlay.step(input, now)), this.#definition), [])
  }

  neighbors(): readonly string[] {
    this.#neighbors = this.#ask(() => checkedNeighbors(atOnce(this.#overlay.neighbors())), this.#neighbors)
    return this.#neighbors
  }

  nextHop(to: string): string | undefined {
    return this.#ask(() => {
      const hop = atOnce(this.#overlay.nextHop(to)) ?? undefined
      if (hop === undefined || isText(hop)) return hop
      throw new TypeError('nextHop() must answer the id of a member, or undefined')
    }, undefined)
  }

  connectivity(): Connectivity {
    return this.#ask(
      () => {
        const connectivity = atOnce(this.#overlay.connectivity())
        if (typeof connectivity?.isIsolated === 'boolean') return connectivity
        throw new TypeError('connectivity() must answer target, linked and isIsolated')
      },
      { target: 1, linked: 0, isIsolated: true },
    )
  }

  /** `otherwise` from its first failure on. */
  #ask<Answer>(question: () => Answer, otherwise: Answer): Answer {
    if (this.#hasFailed) return otherwise
    try {
      return question()
    } catch (error) {
      this.#hasFailed = true
      this.#onFailed(this.name, error)
      return otherwise
    }
  }
}

/** All of them or none: what stands before the wrong one is not done either. */
function checkedEffects(answer: unknown, { codec }: Definition): readonly Effect[] {
  if (!Array.isArray(answer)) throw new TypeError('step() must answer a list of effects')
  // Holes, too.
  return Array.from(answer, (effect: OverlayEffect<unknown, OverlayEvent>) => {
    const problem = problemOf(effect)
    if (problem !== undefined) throw new TypeError(`step() answered ${problem}`)
    return effect.type === 'send' ? { ...effect, message: encoded(effect.message, codec) } : (effect as Effect)
  })
}

function problemOf(effect: OverlayEffect<unknown, OverlayEvent>): string | undefined {
  switch (effect?.type) {
    case 'link':
      return isText(effect.peer) && effect.after >= 0 ? undefined : 'a link without a peer and a time'
    case 'unlink':
      return isText(effect.peer) ? undefined : 'an unlink without a peer'
    case 'send':
      return isText(effect.to) ? undefined : 'a send to nobody'
    case 'set-timer':
      return isText(effect.timer) && Number.isFinite(effect.at) ? undefined : 'a timer without a name and a time'
    case 'clear-timer':
      return isText(effect.timer) ? undefined : 'a timer without a name'
    case 'emit':
      return effect.event?.type === 'isolation' || isText(effect.event?.reason) ? undefined : 'an unknown event'
    default:
      return 'what is no effect'
  }
}

function encoded(message: unknown, codec: Definition['codec']): Uint8Array {
  const bytes = atOnce(codec?.encode(message)) ?? new Uint8Array()
  if (bytes instanceof Uint8Array && bytes.length <= MAX_OVERLAY_MESSAGE_BYTES) return bytes
  throw new TypeError(`encode() must make at most ${MAX_OVERLAY_MESSAGE_BYTES} bytes of a message`)
}

function checkedNeighbors(answer: unknown): readonly string[] {
  if (Array.isArray(answer) && answer.every(isText)) return answer
  throw new TypeError('neighbors() must answer a list of ids of members')
}

/** Of what is answered later, nothing is meant: nobody waits for it, and that it fails must not end the process. */
function atOnce<Answer>(answer: Answer): Answer {
  if (answer instanceof Promise) answer.catch(() => {})
  return answer
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function failureOf(name: string, error: unknown): string {
  return `the overlay '${name}' failed: ${error instanceof Error ? error.message : String(error)}`
}
