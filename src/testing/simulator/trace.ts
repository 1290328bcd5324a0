// What happened, kept small: a digest over everything (two runs of one seed must agree on it) and the last few events
// in a ring, turned into text only when somebody wants to read them.

import type { MemberRecord } from '../../../topology/index.ts'
import { hashText } from './random.ts'

/** Lines that a failure shows. */
export const MAX_TRACE_TAIL = 120

/** Longest line, so that one large message cannot bury the rest. */
const MAX_LINE_CHARACTERS = 400

interface Noted {
  at: number
  node: string
  event: string
  peer: string
  detail: unknown
}

export class Trace {
  readonly #ring: Noted[] = []
  readonly #codes = new Map<string, number>()
  readonly #sink: ((line: string) => void) | undefined
  readonly #float = new Float64Array(1)
  readonly #words = new Uint32Array(this.#float.buffer)
  #count = 0
  #digest = 0x811c9dc5

  /** `sink` gets every line as text, in order: for tests and for reading; it costs most of the speed. */
  constructor(sink: ((line: string) => void) | undefined) {
    this.#sink = sink
  }

  /** Events noted so far. */
  get count(): number {
    return this.#count
  }

  /** 32 bits that depend on the time, place and kind of every event. */
  get digest(): number {
    return this.#digest >>> 0
  }

  /**
   * `peer`: who sent it or whom it is about; empty for nobody. `detail` is kept by reference until the ring comes
   * round, so it must never change: messages and plain numbers.
   */
  note(at: number, node: string, event: string, detail: unknown, peer = ''): void {
    this.#float[0] = at
    let digest = Math.imul(this.#digest ^ (this.#words[0] as number), 0x01000193)
    digest = Math.imul(digest ^ (this.#words[1] as number), 0x01000193)
    this.#digest = Math.imul(digest ^ this.#code(node) ^ this.#code(event), 0x01000193)
    const slot = this.#count++ % MAX_TRACE_TAIL
    const noted = this.#ring[slot]
    if (noted === undefined) this.#ring.push({ at, node, event, peer, detail })
    else {
      noted.at = at
      noted.node = node
      noted.event = event
      noted.peer = peer
      noted.detail = detail
    }
    if (this.#sink !== undefined) this.#sink(lineOf({ at, node, event, peer, detail }))
  }

  /** The last events, oldest first. */
  tail(): string[] {
    const oldest = this.#count > MAX_TRACE_TAIL ? this.#count % MAX_TRACE_TAIL : 0
    return [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)].map(lineOf)
  }

  #code(text: string): number {
    const known = this.#codes.get(text)
    if (known !== undefined) return known
    const code = hashText(text)
    this.#codes.set(text, code)
    return code
  }
}

function lineOf({ at, node, event, peer, detail }: Noted): string {
  const place = `${at.toFixed(3).padStart(12)} ${node.padEnd(8)} ${event}`
  const line = `${place}${peer === '' ? '' : ` ${peer}`}${detail === undefined ? '' : ` ${textOf(detail)}`}`
  return line.length > MAX_LINE_CHARACTERS ? `${line.slice(0, MAX_LINE_CHARACTERS)}…` : line
}

function textOf(detail: unknown): string {
  return typeof detail === 'string' ? detail : (JSON.stringify(detail, shortened) ?? '')
}

/** Bytes as their number, members as who they are and what is said of them. */
function shortened(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} B`
  if (!isRecord(value)) return value
  const { id, state, incarnation } = value
  return `${id} ${state} ${incarnation.generation}.${incarnation.refutation}`
}

function isRecord(value: unknown): value is MemberRecord {
  return typeof value === 'object' && value !== null && 'incarnation' in value && 'state' in value
}
