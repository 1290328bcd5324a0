// One end of a session: items that outlive their connection. What is put is numbered and kept until the other end is
// done with it; with a new connection it goes on behind what the other end has. Items of one turn travel in one frame.
//
//   put ──▶ kept ── written on the line ── their `a` passes it ──▶ dropped
//   line lost: what was written counts as unwritten ── resume(received by them) ──▶ written again from there

import type { Frame } from './protocol.ts'

/** What carries text, for a while. */
export interface Line {
  /** False: it is full; {@link Conversation.flush} is to be called when it has room. */
  readonly hasRoom: boolean
  write(text: string): void
}

export interface ConversationOptions {
  /** With so much kept it is full; {@link Conversation.put} takes more all the same. */
  readonly maxItems: number
  readonly maxBytes: number
  /** Takes an item; the other end keeps it until what this returns has resolved, and a rejection counts as done. */
  readonly take: (item: unknown) => Promise<unknown> | undefined
}

/** Bounds of one frame; an item larger than that travels alone. */
const MAX_FRAME_ITEMS = 512
const MAX_FRAME_LENGTH = 256 * 1024
/** What is done is told with the next frame, or by itself after so long, or so many. */
const ACKNOWLEDGE_AFTER_MS = 20
const ACKNOWLEDGE_AFTER_ITEMS = 64

export class Conversation {
  readonly #options: ConversationOptions
  /** Not done at the other end, the first of them with number `#first`. */
  #kept: string[] = []
  #first = 1
  #bytes = 0
  /** The last number written on this line. */
  #written = 0
  /** The last number written on any line. */
  #everWritten = 0
  #line: Line | undefined
  #received = 0
  /** All items of the other end up to this are done, and some beyond. */
  #done = 0
  readonly #doneBeyond = new Set<number>()
  #acknowledged = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #isFlushing = false
  #waiting: PromiseWithResolvers<void>[] = []

  constructor(options: ConversationOptions) {
    this.#options = options
  }

  /** Items of the other end that have come. */
  get received(): number {
    return this.#received
  }

  get isFull(): boolean {
    return this.#kept.length >= this.#options.maxItems || this.#bytes >= this.#options.maxBytes
  }

  /** Resolves when it is no longer full; rejects when it ends. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ promise, resolve, reject })
    return promise
  }

  /** Nobody is to wait for it any more. */
  end(error: Error): void {
    this.suspend()
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /** Takes an item, as JSON text, whether there is room or not. Returns its number. */
  put(item: string): number {
    this.#kept.push(item)
    this.#bytes += item.length
    this.#flushSoon()
    return this.#first + this.#kept.length - 1
  }

  /**
   * Takes `item` in the place of one that was put. False: that was written on a line before, so the other end may have
   * it.
   */
  replace(number: number, item: string): boolean {
    if (number <= this.#everWritten) return false
    const at = number - this.#first
    this.#bytes += item.length - this.#kept[at]!.length
    this.#kept[at] = item
    return true
  }

  /**
   * Goes on over a new line. False: the other end claims to have what was never sent, or lacks what is no longer kept.
   */
  resume(line: Line, theirReceived: number): boolean {
    if (!Number.isSafeInteger(theirReceived) || theirReceived < this.#first - 1) return false
    if (theirReceived > this.#everWritten) return false
    this.#drop(theirReceived)
    this.#line = line
    this.#written = theirReceived
    this.#acknowledged = -1
    this.#flushSoon()
    return true
  }

  /** The line is lost. */
  suspend(): void {
    this.#line = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** A frame of the other end. Throws for what is none: the session is broken. */
  receive(text: string): void {
    const frame = frameOf(text)
    if (frame.a > this.#written) throw new Error('what was never sent is done')
    this.#drop(frame.a)
    let number = frame.n ?? 0
    for (const item of frame.m ?? []) {
      if (number > this.#received + 1) throw new Error('items are missing')
      if (number > this.#received) {
        this.#received = number
        this.#take(number, item)
      }
      number += 1
    }
  }

  /** Writes what may be written now, and what is done. */
  flush(): void {
    this.#isFlushing = false
    const line = this.#line
    if (line === undefined) return
    while (line.hasRoom) {
      const from = this.#written + 1
      const items = this.#next(from - this.#first)
      if (items.length === 0) break
      this.#written += items.length
      this.#everWritten = Math.max(this.#everWritten, this.#written)
      line.write(`{"n":${from},"m":[${items.join(',')}],"a":${this.#done}}`)
      this.#told()
    }
    if (this.#acknowledged < this.#done) this.alive()
  }

  /** Says only how far it is done: a sign of life. */
  alive(): void {
    if (this.#line === undefined) return
    this.#line.write(`{"a":${this.#done}}`)
    this.#told()
  }

  #next(at: number): string[] {
    const items: string[] = []
    let length = 0
    for (let index = at; index < this.#kept.length && items.length < MAX_FRAME_ITEMS; index++) {
      length += this.#kept[index]!.length
      if (items.length > 0 && length > MAX_FRAME_LENGTH) break
      items.push(this.#kept[index]!)
    }
    return items
  }

  #take(number: number, item: unknown): void {
    const done = this.#options.take(item)
    const finish = (): void => this.#finish(number)
    if (done === undefined) finish()
    else done.then(finish, finish)
  }

  #finish(number: number): void {
    this.#doneBeyond.add(number)
    while (this.#doneBeyond.delete(this.#done + 1)) this.#done += 1
    if (this.#line === undefined) return
    if (this.#done - this.#acknowledged >= ACKNOWLEDGE_AFTER_ITEMS) this.#flushSoon()
    else this.#timer ??= setTimeout(() => this.flush(), ACKNOWLEDGE_AFTER_MS)
  }

  #told(): void {
    this.#acknowledged = this.#done
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #drop(upTo: number): void {
    const count = upTo - this.#first + 1
    if (count <= 0) return
    for (const item of this.#kept.splice(0, count)) this.#bytes -= item.length
    this.#first = upTo + 1
    if (!this.isFull) for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  #flushSoon(): void {
    if (this.#isFlushing || this.#line === undefined) return
    this.#isFlushing = true
    queueMicrotask(() => this.flush())
  }
}

function frameOf(text: string): Frame {
  const frame: unknown = JSON.parse(text)
  if (typeof frame !== 'object' || frame === null) throw new Error('a frame is an object')
  const { n, m, a } = frame as Partial<Frame>
  const isNumbered = m === undefined || (Array.isArray(m) && Number.isSafeInteger(n) && (n as number) >= 1)
  if (!isNumbered || !Number.isSafeInteger(a) || (a as number) < 0) throw new Error('a frame has n, m and a')
  return frame as Frame
}
