// The state of the replicated machine as bytes, for snapshots: plain data of any shape, so that a machine can grow a
// part without a codec of its own, and an older snapshot simply lacks it. Written and read step by step, for a large
// state takes longer than one turn of the event loop may.
//
//   state = version u8 | value
//   value = 0 undefined | 1 null | 2 false | 3 true | 4 varint | 5 double | 6 text | 7 bytes
//         | 8 list: count, values | 9 record: count, (text, value) each

import { Reader } from './reader.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

/** The version in which states are written. */
export const STATE_VERSION = 1

/** Lists and records within each other; a machine has a few. */
export const MAX_STATE_DEPTH = 64

/** A state is written in pieces of about this size. */
const PIECE_BYTES = 64 * 1024
/** So many values are read in one step: a fraction of a millisecond. */
const VALUES_PER_STEP = 2_000

const kinds = { undefined: 0, null: 1, false: 2, true: 3, varint: 4, double: 5, text: 6, bytes: 7, list: 8, record: 9 }

/**
 * The bytes of `state` (plain data: scalars, bytes, lists, records), a piece at a time. It must not change meanwhile.
 * Throws `WireError` for anything else. All pieces are written into one space: each is good until the next is asked
 * for. With a space for each, a state of megabytes leaves holes in the memory of the process that grow for as long as
 * states do.
 */
export function* encodeState(state: unknown): Generator<Uint8Array> {
  const writer = new Writer(Buffer.allocUnsafeSlow(2 * PIECE_BYTES), STATE_VERSION)
  writer.u8(STATE_VERSION)
  // Not recursive, so that it can stop anywhere.
  const open: Unwritten[] = [listed([state])]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { parts, names, count, at } = top
    if (at === count) {
      open.pop()
      continue
    }
    top.at++
    if (names !== undefined) encodeValue(writer, names[at])
    const inner = encodeValue(writer, parts[names?.[at] ?? at])
    if (inner !== undefined && open.push(inner) > MAX_STATE_DEPTH) throw new WireError('bad-value', 'it is too deep')
    if (writer.length < PIECE_BYTES) continue
    yield writer.written
    writer.clear()
  }
  yield writer.written
}

/** A list, or a record and its names, of which the first `at` parts are written. */
interface Unwritten {
  readonly parts: Readonly<Record<string | number, unknown>>
  readonly names: readonly string[] | undefined
  readonly count: number
  at: number
}

function listed(values: readonly unknown[]): Unwritten {
  return { parts: values as unknown as Unwritten['parts'], names: undefined, count: values.length, at: 0 }
}

/** Writes a scalar, or the head of a list or record whose parts it answers. */
function encodeValue(writer: Writer, value: unknown): Unwritten | undefined {
  switch (typeof value) {
    case 'undefined':
      return void writer.u8(kinds.undefined)
    case 'boolean':
      return void writer.u8(value ? kinds.true : kinds.false)
    case 'string':
      writer.u8(kinds.text)
      return void writer.text(value, Number.MAX_SAFE_INTEGER)
    case 'number':
      return void encodeNumber(writer, value)
    case 'object':
      return encodeObject(writer, value)
    default:
      throw new WireError('bad-value', `a ${typeof value} is no plain data`)
  }
}

function encodeNumber(writer: Writer, value: number): void {
  const isVarint = Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
  writer.u8(isVarint ? kinds.varint : kinds.double)
  if (isVarint) writer.varint(value)
  else writer.f64(value)
}

function encodeObject(writer: Writer, value: object | null): Unwritten | undefined {
  if (value === null) return void writer.u8(kinds.null)
  if (value instanceof Uint8Array) {
    writer.u8(kinds.bytes)
    return void writer.bytes(value, Number.MAX_SAFE_INTEGER)
  }
  if (Array.isArray(value)) {
    writer.u8(kinds.list)
    writer.varint(value.length)
    return listed(value)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new WireError('bad-value', 'it is no plain data')
  const names = Object.keys(value)
  writer.u8(kinds.record)
  writer.varint(names.length)
  return { parts: value as Unwritten['parts'], names, count: names.length, at: 0 }
}

/** A list or record whose parts are still being read. */
interface Unfinished {
  readonly target: unknown[] | Record<string, unknown>
  left: number
  /** The last name read in a record, or what stands before its first one. A list has none. */
  name: Name | undefined
}

/**
 * A name in a record. Records that are alike follow each other by thousands: a name that comes again is not made again.
 */
interface Name {
  readonly text: string
  /** Where it was read. */
  readonly from: number
  readonly to: number
  /** Every object has it, like `__proto__`. */
  readonly isCommon: boolean
  /** What came after it the last time. */
  next: Name | undefined
}

/**
 * The state in `bytes`, which any release up to this one wrote. Yields between steps so that the caller can let others
 * have their turn; returns the state. Throws `WireError`.
 */
export function* decodeState(bytes: Uint8Array): Generator<undefined, unknown> {
  const reader = new Reader(bytes, STATE_VERSION)
  const version = reader.u8()
  if (version !== STATE_VERSION) throw new WireError('unknown-number', `a state has version ${version}`)
  const root: unknown[] = []
  const open: Unfinished[] = [{ target: root, left: 1, name: undefined }]
  // What stands before the names of a record, by its depth: records that are alike are as deep.
  const before = Array.from({ length: MAX_STATE_DEPTH + 1 }, noName)
  for (let read = 1; open.length > 0; read++) {
    const top = open[open.length - 1]!
    if (top.left === 0) {
      open.pop()
      continue
    }
    top.left--
    const name = top.name === undefined ? undefined : nameAfter(top.name, reader)
    if (name !== undefined) top.name = name
    const kind = reader.u8()
    if (kind === kinds.list || kind === kinds.record) {
      const isList = kind === kinds.list
      const target = isList ? [] : {}
      keep(top.target, name, target)
      const left = reader.length(Number.MAX_SAFE_INTEGER)
      const inner = { target, left, name: isList ? undefined : before[open.length] }
      if (left > 0 && open.push(inner) > MAX_STATE_DEPTH + 1) throw new WireError('bad-value', 'it is too deep')
    } else keep(top.target, name, decodeScalar(reader, kind))
    if (read % VALUES_PER_STEP === 0) yield
  }
  reader.end()
  return root[0]
}

function noName(): Name {
  return { text: '', from: 0, to: 0, isCommon: false, next: undefined }
}

/** The next name of a record, most often the one that came after `last` before. */
function nameAfter(last: Name, reader: Reader): Name {
  const { next } = last
  if (next !== undefined && reader.repeats(next.from, next.to)) return next
  const from = reader.offset
  if (reader.u8() !== kinds.text) throw new WireError('bad-value', 'a name is no text')
  const text = reader.text(Number.MAX_SAFE_INTEGER)
  last.next = { text, from, to: reader.offset, isCommon: text in Object.prototype, next: undefined }
  return last.next
}

function keep(target: Unfinished['target'], name: Name | undefined, value: unknown): void {
  if (name === undefined) (target as unknown[]).push(value)
  // A name that every object has, like __proto__, is a name like any other: defined, which is slow, not assigned.
  else if (name.isCommon)
    Object.defineProperty(target, name.text, { value, writable: true, enumerable: true, configurable: true })
  else (target as Record<string, unknown>)[name.text] = value
}

function decodeScalar(reader: Reader, kind: number): unknown {
  switch (kind) {
    case kinds.undefined:
      return undefined
    case kinds.null:
      return null
    case kinds.false:
    case kinds.true:
      return kind === kinds.true
    case kinds.varint:
      return reader.varint()
    case kinds.double:
      return reader.f64()
    case kinds.text:
      return reader.text(Number.MAX_SAFE_INTEGER)
    case kinds.bytes:
      return reader.bytes(Number.MAX_SAFE_INTEGER)
    default:
      throw new WireError('unknown-number', `a value of kind ${kind}`)
  }
}
