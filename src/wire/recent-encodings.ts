// The bytes of what was encoded or decoded a moment ago: an entry of the log goes to the disk and to every follower within a few milliseconds, and costs its encoding once.
// Bounded: a log that keeps its commands for long does not keep their bytes beside them.

/** Kept at most, in each of two generations. Fewer: encoded again for a follower that lags. A guess: some batches. */
const MAX_ENCODINGS = 2_048
/** Bytes after which a generation is full. */
const MAX_ENCODING_BYTES = 2 * 1_048_576

/** Bytes by the value that they stand for. A value must not change once its bytes are known. */
export class RecentEncodings<Value extends object> {
  #recent = new Map<Value, Uint8Array>()
  /** What was recent before the present generation began. */
  #older: ReadonlyMap<Value, Uint8Array> = new Map()
  #bytes = 0

  get(value: Value): Uint8Array | undefined {
    return this.#recent.get(value) ?? this.#older.get(value)
  }

  set(value: Value, bytes: Uint8Array): void {
    if (this.#recent.size >= MAX_ENCODINGS || this.#bytes >= MAX_ENCODING_BYTES) {
      this.#older = this.#recent
      this.#recent = new Map()
      this.#bytes = 0
    }
    this.#recent.set(value, bytes)
    this.#bytes += bytes.length
  }
}
