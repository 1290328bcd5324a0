// The bytes of what was encoded or decoded a moment ago: an entry of the log goes to the disk and to every follower
// within a few milliseconds, and costs its encoding once. Bounded: a log that keeps its commands for long does not keep
// their bytes beside them. And they are kept as copies in slabs of their own: what a writer or a frame gave shares up
// to 64 KiB with messages that nobody needs any more, and one write among many such would keep all of it.

/** Kept at most, in each of two generations. Fewer: encoded again for a follower that lags. A guess: some batches. */
const MAX_ENCODINGS = 2_048
/** Bytes after which a generation is full. */
const MAX_ENCODING_BYTES = 2 * 1_048_576
const SLAB_BYTES = 65_536
/** Longer ones lie by themselves. */
const MAX_SHARED_BYTES = SLAB_BYTES / 8

/** Bytes by the value that they stand for. A value must not change once its bytes are known. */
export class RecentEncodings<Value extends object> {
  #recent = new Map<Value, Uint8Array>()
  /** What was recent before the present generation began. */
  #older: ReadonlyMap<Value, Uint8Array> = new Map()
  #bytes = 0
  #slab = new Uint8Array(0)
  #used = 0

  get(value: Value): Uint8Array | undefined {
    return this.#recent.get(value) ?? this.#older.get(value)
  }

  /** Keeps a copy of the bytes. */
  set(value: Value, bytes: Uint8Array): void {
    if (this.#recent.size >= MAX_ENCODINGS || this.#bytes >= MAX_ENCODING_BYTES) {
      this.#older = this.#recent
      this.#recent = new Map()
      this.#bytes = 0
    }
    this.#recent.set(value, this.#copy(bytes))
    this.#bytes += bytes.length
  }

  #copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > MAX_SHARED_BYTES) return new Uint8Array(bytes)
    if (this.#used + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + bytes.length)
    copy.set(bytes)
    this.#used += bytes.length
    return copy
  }
}
