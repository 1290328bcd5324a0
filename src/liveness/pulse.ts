// What the main thread shares with its liveness worker: when it last turned, and its condition. Memory that both see,
// so that nothing has to be sent by a thread that may be blocked. The clock is the process's monotonic one, the same in
// both.

const SLOTS = 2
const TURN = 0
const CONDITION = 1

export class Pulse {
  readonly #cells: BigInt64Array

  /** `memory`: of another `Pulse`. Default: new. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#cells = new BigInt64Array(memory)
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer as SharedArrayBuffer
  }

  /** The main thread turns now. */
  beat(): void {
    Atomics.store(this.#cells, TURN, process.hrtime.bigint())
  }

  /** Milliseconds since the main thread turned. */
  ageMs(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.#cells, TURN)) / 1e6
  }

  get condition(): number {
    return Number(Atomics.load(this.#cells, CONDITION))
  }

  set condition(condition: number) {
    Atomics.store(this.#cells, CONDITION, BigInt(condition))
  }
}
