import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { endable } from '../../src/iteration.ts'

/** A watch of which nothing happens unless it is told to, and what has become of it. */
class Quiet {
  readonly said: string[] = []
  tell = (_word: string): void => {}
  #wake = (): void => {}

  async *watch(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    this.said.push('begun')
    const words: string[] = []
    this.tell = (word) => {
      words.push(word)
      this.#wake()
    }
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    try {
      while (!signal.aborted) {
        const word = words.shift()
        if (word === 'fail') throw new Error('failed')
        if (word !== undefined) yield word
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.said.push('let go')
    }
  }
}

const over = { done: true, value: undefined }

/** Whatever is queued for this turn has run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('an iteration that can be ended', () => {
  it('ends what is pending when it is told to return, and lets go of everything', async () => {
    const quiet = new Quiet()
    const { signal } = new AbortController()
    let ends = 0
    const words = endable(
      (ending) => quiet.watch(ending),
      [signal, undefined],
      () => ends++,
    )
    const pending = [words.next(), words.next()]
    await settled()
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    assert.deepEqual(await words.return(), over)
    assert.deepEqual(await Promise.all(pending), [over, over])
    assert.deepEqual(await words.next(), over)
    assert.deepEqual(await words.return(), over)
    await settled()
    assert.deepEqual(quiet.said, ['begun', 'let go'])
    assert.deepEqual([getEventListeners(signal, 'abort').length, ends], [0, 1])
  })

  it('tells what there is in order, and lets go when its reader breaks off', async () => {
    const quiet = new Quiet()
    const heard: string[] = []
    const words = endable((ending) => quiet.watch(ending))
    const first = words.next()
    quiet.tell('one')
    assert.deepEqual(await first, { done: false, value: 'one' })
    for (const word of ['two', 'three', 'four']) quiet.tell(word)
    for await (const word of words) if (heard.push(word) === 2) break
    assert.deepEqual(heard, ['two', 'three'])
    await settled()
    assert.deepEqual(quiet.said, ['begun', 'let go'])
  })

  it('ends with any of its signals, and begins nothing once one has aborted', async () => {
    const quiet = new Quiet()
    const abort = new AbortController()
    const words = endable((ending) => quiet.watch(ending), [abort.signal])
    const pending = words.next()
    abort.abort()
    assert.deepEqual(await pending, over)
    assert.deepEqual(await endable((ending) => quiet.watch(ending), [abort.signal]).next(), over)
  })

  it('fails as what it reads does, and is over then', async () => {
    const quiet = new Quiet()
    const { signal } = new AbortController()
    const words = endable((ending) => quiet.watch(ending), [signal])
    const pending = words.next()
    quiet.tell('fail')
    await assert.rejects(pending, /failed/)
    assert.deepEqual(await words.next(), over)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    await assert.rejects(words.throw(new Error('mine')), /mine/)
  })

  it('that was never asked for anything begins nothing, and ends all the same', async () => {
    const quiet = new Quiet()
    let ends = 0
    {
      await using _words = endable(
        (ending) => quiet.watch(ending),
        [],
        () => ends++,
      )
    }
    assert.deepEqual([quiet.said, ends], [[], 1])
  })
})
