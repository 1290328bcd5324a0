// Codecs as tables: a message is described once, by combinators, and both directions and its type follow from that
// description. A codec never sees names from the remote: keys come from the table, variants from their numbers.
//
//   const probe = struct({ probe: varint, target: text(MAX_ID_BYTES) })
//   type Probe = Infer<typeof probe>            // { readonly probe: number; readonly target: string }
//
// Decoding throws nothing but `WireError`; encoding throws the same for a value that no receiver would accept.

import type { Reader } from './reader.ts'
import { WireError } from './wire-error.ts'
import type { Writer } from './writer.ts'

/** Both directions of one type. The functions are properties so that the compiler checks both. */
export interface Codec<T> {
  readonly encode: (writer: Writer, value: T) => void
  readonly decode: (reader: Reader) => T
}

/** The type that a codec carries. */
export type Infer<C> = C extends Codec<infer T> ? T : never

export const u8: Codec<number> = { encode: (writer, value) => writer.u8(value), decode: (reader) => reader.u8() }
export const u16: Codec<number> = { encode: (writer, value) => writer.u16(value), decode: (reader) => reader.u16() }
export const u32: Codec<number> = { encode: (writer, value) => writer.u32(value), decode: (reader) => reader.u32() }
/** A finite double. */
export const f64: Codec<number> = { encode: (writer, value) => writer.f64(value), decode: (reader) => reader.f64() }
/** A whole number from 0 to 2^53 - 1, small ones in one byte. */
export const varint: Codec<number> = {
  encode: (writer, value) => writer.varint(value),
  decode: (reader) => reader.varint(),
}

export const bool: Codec<boolean> = {
  encode: (writer, value) => writer.u8(value ? 1 : 0),
  decode: (reader) => {
    const value = reader.u8()
    if (value > 1) throw new WireError('bad-value', `a boolean is ${value}`)
    return value === 1
  },
}

/** UTF-8 of at most `max` bytes. */
export function text(max: number): Codec<string> {
  return { encode: (writer, value) => writer.text(value, max), decode: (reader) => reader.text(max) }
}

/** At most `max` bytes; decoded into a copy. */
export function bytes(max: number): Codec<Uint8Array> {
  return { encode: (writer, value) => writer.bytes(value, max), decode: (reader) => reader.bytes(max) }
}

/** Exactly `length` bytes, without a length before them. */
export function fixedBytes(length: number): Codec<Uint8Array> {
  return { encode: (writer, value) => writer.fixed(value, length), decode: (reader) => reader.fixed(length) }
}

/** At most `max` items, each of which takes at least one byte. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    encode: (writer, values) => {
      if (values.length > max) throw new WireError('too-long', `a list of ${values.length} exceeds ${max}`)
      writer.varint(values.length)
      for (const value of values) item.encode(writer, value)
    },
    decode: (reader) => {
      const length = reader.length(max)
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(item.decode(reader))
      return values
    },
  }
}

/** A value that may be absent: one byte says whether it is there. */
export function optional<T>(inner: Codec<T>): Codec<T | undefined> {
  return {
    encode: (writer, value) => {
      bool.encode(writer, value !== undefined)
      if (value !== undefined) inner.encode(writer, value)
    },
    decode: (reader) => (bool.decode(reader) ? inner.decode(reader) : undefined),
  }
}

/** One of some words, as a byte. */
export function choice<Word extends string>(numbers: Readonly<Record<Word, number>>): Codec<Word> {
  const words = new Map<number, Word>(Object.entries<number>(numbers).map(([word, number]) => [number, word as Word]))
  return {
    encode: (writer, value) => writer.u8(numbers[value]),
    decode: (reader) => known(words, reader.u8()),
  }
}

type Fields = Readonly<Record<string, Codec<never>>>
/** The value of a struct with these fields. */
export type StructOf<F> = { readonly [Key in keyof F]: Infer<F[Key]> }

/** Fields one after the other, in the order of the table. */
export function struct<F extends { readonly [Key in keyof F]: Codec<Infer<F[Key]>> }>(fields: F): Codec<StructOf<F>> {
  const table = Object.entries(fields as unknown as Fields)
  return {
    encode: (writer, value) => {
      for (const [key, field] of table) field.encode(writer, value[key as keyof F] as never)
    },
    decode: (reader) => {
      const value: Record<string, unknown> = {}
      for (const [key, field] of table) value[key] = field.decode(reader)
      return value as StructOf<F>
    },
  }
}

/**
 * A field that exists from `version` on: an older peer is not sent it, and from an older peer it is `fallback`. The
 * only way to add a field to a message; it goes at the end of its struct.
 */
export function since<T>(version: number, field: Codec<T>, fallback: T): Codec<T> {
  return {
    encode: (writer, value) => {
      if (writer.version >= version) field.encode(writer, value)
    },
    decode: (reader) => (reader.version >= version ? field.decode(reader) : fallback),
  }
}

/** Several structs told apart by `type`, each with a number of its own that travels outside the body. */
export interface Family<T extends { readonly type: string }> {
  readonly numbers: readonly number[]
  readonly numberOf: (value: T) => number
  readonly encodeBody: (writer: Writer, value: T) => void
  readonly decodeBody: (number: number, reader: Reader) => T
}

type Cases = { readonly [Type in string]: Codec<never> }
/** The union that a family's cases make. */
export type FamilyOf<C> = { readonly [Type in keyof C]: { readonly type: Type } & Infer<C[Type]> }[keyof C]

/** A union by `type`: `numbers` and `cases` have the same keys. */
export function family<C extends { readonly [Type in keyof C]: Codec<Infer<C[Type]>> }>(
  numbers: { readonly [Type in keyof C]: number },
  cases: C,
): Family<FamilyOf<C> & { readonly type: string }> {
  const numberByType = new Map(Object.entries<number>(numbers))
  const byType = new Map(
    Object.entries(cases as unknown as Cases).map(([type, codec]) => [
      type,
      { type, number: numberByType.get(type) as number, codec },
    ]),
  )
  const byNumber = new Map([...byType.values()].map((one) => [one.number, one]))
  type Value = FamilyOf<C> & { readonly type: string }
  return {
    numbers: [...byNumber.keys()],
    numberOf: (value: Value) => known(byType, value.type).number,
    encodeBody: (writer: Writer, value: Value) => known(byType, value.type).codec.encode(writer, value as never),
    decodeBody: (number: number, reader: Reader) => {
      const { type, codec } = known(byNumber, number)
      const value = codec.decode(reader) as { readonly type?: string }
      // Those that are written out say it themselves. A field that is added to an object of any other form is a slow
      // one.
      return (value.type === type ? value : { type, ...value }) as Value
    },
  }
}

/** A family inside a message: the number first, then the body. */
export function union<T extends { readonly type: string }>(cases: Family<T>): Codec<T> {
  return {
    encode: (writer, value) => {
      writer.u8(cases.numberOf(value))
      cases.encodeBody(writer, value)
    },
    decode: (reader) => cases.decodeBody(reader.u8(), reader),
  }
}

function known<Key, Value>(table: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = table.get(key)
  if (value === undefined) throw new WireError('unknown-number', `${key} is not known`)
  return value
}
