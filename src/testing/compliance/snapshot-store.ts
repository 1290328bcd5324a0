// The snapshot store's contract, as cases: each sentence of `storage/snapshot-store.ts` is one. An implementation's
// test is a call: `testSnapshotStore('file', { create, reopen })`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../errors.ts'
import type { SnapshotPlace, SnapshotStore, StoredSnapshot } from '../../storage/snapshot-store.ts'

/** How the suite gets stores. Cleaning up is the caller's. */
export interface SnapshotStoreSubject {
  /** A fresh, empty store. */
  create(): Promise<SnapshotStore>
  /** What a new process finds after the old one was killed: `store` was not closed, or was, and is not used again. */
  reopen(store: SnapshotStore): Promise<SnapshotStore>
}

const configuration = {
  voters: [
    { id: 'node-1', storeId: 'store-1' },
    { id: 'node-2', storeId: 'store-2' },
  ],
  outgoing: [],
  learners: [{ id: 'node-3', storeId: 'store-3' }],
}

function place(index: number): SnapshotPlace {
  return { index, term: 3, configuration }
}

/** As many bytes, that differ from place to place. */
function state(size: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) + salt) & 0xff)
}

/** Each in the memory of the one before. */
function* inPieces(bytes: Uint8Array, size = 50_000): Generator<Uint8Array> {
  const space = new Uint8Array(size)
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    space.set(piece)
    yield space.subarray(0, piece.length)
  }
}

async function fresh(subject: SnapshotStoreSubject): Promise<SnapshotStore> {
  const store = await subject.create()
  assert.equal(await store.load(), undefined)
  return store
}

async function wholeOf(store: SnapshotStore, { id, size }: StoredSnapshot): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < size; offset += 70_000) parts.push((await store.read(id, offset, 70_000))!)
  return Buffer.concat(parts)
}

/** A snapshot of another member, to be sent. */
async function foreign(subject: SnapshotStoreSubject, index: number, bytes: Uint8Array): Promise<StoredSnapshot> {
  const store = await fresh(subject)
  const snapshot = await store.store(place(index), inPieces(bytes))
  await store.close()
  return snapshot
}

/** Sends until all of it is there; answers how many times it had to. */
async function sendAll(store: SnapshotStore, snapshot: StoredSnapshot, bytes: Uint8Array, chunk: number) {
  let sent = 0
  for (let offset = 0; offset < snapshot.size; sent++) {
    offset = await store.receive(snapshot, offset, bytes.subarray(offset, offset + chunk))
    assert(sent < 1_000, 'it never ends')
  }
  return sent
}

export function testSnapshotStore(name: string, subject: SnapshotStoreSubject): void {
  describe(`snapshot store: ${name}`, () => {
    describe('store and read', () => testStore(subject))
    describe('receive', () => testReceive(subject))
  })
}

function testStore(subject: SnapshotStoreSubject): void {
  it('is empty at first', async () => {
    const store = await fresh(subject)
    assert.equal(store.latest, undefined)
    await store.close()
  })

  for (const size of [0, 1, 65_536, 200_001]) {
    it(`has what it resolved for after the process is killed (${size} bytes)`, async () => {
      const store = await fresh(subject)
      const snapshot = await store.store(place(7), inPieces(state(size)))
      assert.deepEqual({ ...snapshot, id: '' }, { ...place(7), id: '', size })
      assert.deepEqual(store.latest, snapshot)
      const reopened = await subject.reopen(store)
      assert.deepEqual(await reopened.load(), snapshot)
      assert(Buffer.from(state(size)).equals(await wholeOf(reopened, snapshot)))
      await reopened.close()
      await store.close()
    })
  }

  it('reads any part, as far as there is one', async () => {
    const store = await fresh(subject)
    const bytes = state(200_001)
    const { id } = await store.store(place(1), inPieces(bytes))
    for (const [offset, length] of [
      [0, 1],
      [65_535, 2],
      [65_536, 65_536],
      [1_000, 150_000],
      [200_000, 500],
      [200_001, 10],
      [300_000, 10],
    ] as const) {
      const expected = Buffer.from(bytes.subarray(offset, offset + length))
      assert(expected.equals((await store.read(id, offset, length))!), `${length} from ${offset} on`)
    }
    await store.close()
  })

  it('has one snapshot, the latest', async () => {
    const store = await fresh(subject)
    const first = await store.store(place(1), inPieces(state(10)))
    const second = await store.store(place(5), inPieces(state(20)))
    assert.equal(await store.read(first.id, 0, 10), undefined)
    assert.deepEqual(store.latest, second)
    const reopened = await subject.reopen(store)
    assert.deepEqual(await reopened.load(), second)
    await reopened.close()
    await store.close()
  })

  it('keeps the one before until the next is whole', async () => {
    const store = await fresh(subject)
    const first = await store.store(place(1), inPieces(state(10)))
    let seen = 0
    function* watched(): Generator<Uint8Array> {
      for (const piece of inPieces(state(200_000))) {
        assert.deepEqual(store.latest, first)
        seen++
        yield piece
      }
    }
    await store.store(place(2), watched())
    assert.equal(seen, 4)
    await store.close()
  })

  it('gives equal bytes at equal places equal ids, and no others', async () => {
    const ids = []
    for (const [index, salt] of [
      [1, 0],
      [1, 0],
      [1, 1],
      [2, 0],
    ] as const) {
      const store = await fresh(subject)
      ids.push((await store.store(place(index), inPieces(state(10, salt)))).id)
      await store.close()
    }
    assert.equal(ids[0], ids[1])
    assert.equal(new Set(ids).size, 3)
  })

  it('refuses everything after close', async () => {
    const store = await fresh(subject)
    await store.close()
    await store.close()
    const isShuttingDown = (error: unknown): boolean => isClusterError(error, 'ERR_SHUTTING_DOWN')
    await assert.rejects(store.store(place(1), []), isShuttingDown)
    await assert.rejects(store.read('1', 0, 1), isShuttingDown)
  })
}

function testReceive(subject: SnapshotStoreSubject): void {
  const bytes = state(200_001)

  for (const chunk of [1_000_000, 65_536, 70_001]) {
    it(`takes one in chunks of ${chunk}`, async () => {
      const snapshot = await foreign(subject, 9, bytes)
      const store = await fresh(subject)
      assert.equal(await sendAll(store, snapshot, bytes, chunk), Math.ceil(bytes.length / chunk))
      assert.deepEqual(store.latest, snapshot)
      const reopened = await subject.reopen(store)
      assert.deepEqual(await reopened.load(), snapshot)
      assert(Buffer.from(bytes).equals(await wholeOf(reopened, snapshot)))
      await reopened.close()
      await store.close()
    })
  }

  it('takes an empty one', async () => {
    const snapshot = await foreign(subject, 9, new Uint8Array())
    const store = await fresh(subject)
    assert.equal(await store.receive(snapshot, 0, new Uint8Array()), 0)
    assert.deepEqual(store.latest, snapshot)
    await store.close()
  })

  it('answers from where to go on: repeated chunks, holes, and all of it once it is there', async () => {
    const snapshot = await foreign(subject, 9, bytes)
    const store = await fresh(subject)
    assert.equal(await store.receive(snapshot, 5_000, bytes.subarray(5_000, 6_000)), 0)
    assert.equal(await store.receive(snapshot, 0, bytes.subarray(0, 4_000)), 4_000)
    assert.equal(await store.receive(snapshot, 0, bytes.subarray(0, 4_000)), 4_000)
    assert.equal(await store.receive(snapshot, 2_000, bytes.subarray(2_000, 90_000)), 90_000)
    assert.equal(await store.receive(snapshot, 95_000, bytes.subarray(95_000)), 90_000)
    assert.equal(store.latest, undefined)
    assert.equal(await store.receive(snapshot, 90_000, bytes.subarray(90_000)), bytes.length)
    assert.equal(await store.receive(snapshot, 0, bytes.subarray(0, 10)), bytes.length)
    assert(Buffer.from(bytes).equals(await wholeOf(store, snapshot)))
    await store.close()
  })

  it('throws away what does not fit its id, and takes it when it does', async () => {
    const snapshot = await foreign(subject, 9, bytes)
    const store = await fresh(subject)
    const other = bytes.slice()
    other[100_000]! ^= 1
    assert.equal(await store.receive(snapshot, 0, other), 0)
    assert.equal(store.latest, undefined)
    assert.equal(await store.receive(snapshot, 0, bytes), bytes.length)
    await store.close()
  })

  it('lets another one take the place of one that is not whole', async () => {
    const first = await foreign(subject, 9, bytes)
    const second = await foreign(subject, 12, state(5_000))
    const store = await fresh(subject)
    await store.receive(first, 0, bytes.subarray(0, 100_000))
    assert.equal(await store.receive(second, 0, state(5_000)), 5_000)
    assert.deepEqual(store.latest, second)
    await store.close()
  })

  it('goes on after the process was killed, from no further than it had', async () => {
    const snapshot = await foreign(subject, 9, bytes)
    const store = await fresh(subject)
    await store.receive(snapshot, 0, bytes.subarray(0, 150_000))
    const reopened = await subject.reopen(store)
    assert.equal(await reopened.load(), undefined)
    const at = await reopened.receive(snapshot, 150_000, bytes.subarray(150_000, 150_001))
    assert(at <= 150_001, `${at} bytes`)
    assert.equal(await reopened.receive(snapshot, at, bytes.subarray(at)), bytes.length)
    assert(Buffer.from(bytes).equals(await wholeOf(reopened, snapshot)))
    await reopened.close()
    await store.close()
  })

  it('does not go back to an earlier one', async () => {
    const early = await foreign(subject, 3, bytes)
    const store = await fresh(subject)
    const late = await store.store(place(10), inPieces(state(10)))
    assert.equal(await store.receive(early, 0, bytes), 0)
    await store.store(place(4), inPieces(state(10)))
    assert.deepEqual(store.latest, late)
    const reopened = await subject.reopen(store)
    assert.deepEqual(await reopened.load(), late)
    await reopened.close()
    await store.close()
  })
}
