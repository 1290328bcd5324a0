// Everything that can be sent over a link, as one union, and its way to bytes and back. Each family of messages is
// described in a file of its own; this one only dispatches by the number in the frame.

import type { ClusterCommand } from '../../consensus/machines/commands.ts'
import type { RaftMessage } from '../../consensus/messages.ts'
import type { FormingMessage } from '../../topology/forming/messages.ts'
import type { PlumtreeMessage } from '../../topology/plumtree/messages.ts'
import type { SwimMessage } from '../../topology/swim/messages.ts'
import type { Family } from './codec.ts'
import { type Contact, contacts } from './contacts.ts'
import { type Envelope, envelope } from './envelope.ts'
import { formingFamily } from './forming.ts'
import { FRAME_HEADER_BYTES, type Frame, FrameSplitter } from './frame.ts'
import { type HelloMessage, helloFamily } from './hello.ts'
import { type HoldKind, hold } from './hold.ts'
import { MAX_FRAME_BYTES } from './limits.ts'
import { frameNumbers } from './message-numbers.ts'
import { type OverlayFrame, overlayFrame } from './overlay.ts'
import { plumtreeFamily } from './plumtree.ts'
import { raftFamily } from './raft.ts'
import { Reader } from './reader.ts'
import { type ClusterRecord, clusterRecord } from './record.ts'
import { swimFamily } from './swim.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { WireError } from './wire-error.ts'
import { type Writer, write } from './writer.ts'

export type WireMessage =
  | HelloMessage
  | { readonly type: 'swim'; readonly message: SwimMessage }
  | { readonly type: 'forming'; readonly message: FormingMessage }
  /** Fresh node to each linked fresh node when it has found one more: dial these too. */
  | { readonly type: 'contacts'; readonly contacts: readonly Contact[] }
  | { readonly type: 'plumtree'; readonly message: PlumtreeMessage }
  | { readonly type: 'raft'; readonly message: RaftMessage<ClusterCommand> }
  /** Leader to everyone on each change and each second, and anyone to a peer that knows less. The higher index wins. */
  | { readonly type: 'record'; readonly record: ClusterRecord }
  | { readonly type: 'envelope'; readonly envelope: Envelope }
  /** A frame of the coordination lane, which travels over the link itself; `src/channels` reads and writes its body. */
  | { readonly type: 'lane'; readonly kind: number; readonly body: Uint8Array }
  | OverlayFrame
  /**
   * Each end of a link between two members to the other, as soon as there is a reason, when it changes, and every few
   * seconds: why this end holds it.
   */
  | { readonly type: 'hold'; readonly kind: HoldKind }

/** The frame of a message. Throws `WireError` when it has a value or length that its receiver would refuse. */
export function encodeFrame(message: WireMessage, version: number = PROTOCOL_VERSION): Uint8Array {
  return write(version, (writer) => {
    writer.u32(0)
    encodeMessage(writer, message)
    const length = writer.length - (FRAME_HEADER_BYTES - 1)
    if (length > MAX_FRAME_BYTES) throw new WireError('too-long', `a frame of ${length} exceeds ${MAX_FRAME_BYTES}`)
    writer.u32At(0, length)
  })
}

/** The message in a frame. Throws nothing but `WireError`. */
export function decodeFrame(frame: Frame, version: number = PROTOCOL_VERSION): WireMessage {
  if (isLaneKind(frame.kind)) return { type: 'lane', kind: frame.kind, body: frame.body }
  const decode = decoders[frame.kind]
  if (decode === undefined) throw new WireError('unknown-number', `no message has number ${frame.kind}`)
  return decode(frame.kind, new Reader(frame.body, version))
}

export interface FrameDecoderOptions {
  /** Bound on one frame. Default `MAX_FRAME_BYTES`; while the peer is not admitted, `MAX_HANDSHAKE_FRAME_BYTES`. */
  readonly maxFrameBytes?: number
  /** The version the link agreed on. Default `PROTOCOL_VERSION`. */
  readonly version?: number
}

/** Chunks in, messages out. After it has thrown a `WireError`, close the connection. */
export class FrameDecoder {
  readonly #splitter: FrameSplitter
  readonly #version: number

  constructor(options: FrameDecoderOptions = {}) {
    this.#splitter = new FrameSplitter(options.maxFrameBytes ?? MAX_FRAME_BYTES)
    this.#version = options.version ?? PROTOCOL_VERSION
  }

  /** Bytes of an unfinished frame. */
  get bufferedBytes(): number {
    return this.#splitter.bufferedBytes
  }

  /** The messages that `chunk` completes, in order. Iterate to the end; the chunk may be reused only then. */
  *push(chunk: Uint8Array): Generator<WireMessage, void, undefined> {
    this.begin(chunk)
    for (let message = this.next(); message !== undefined; message = this.next()) yield message
  }

  /** As {@link push}, for who calls `next` until there is no message any more. */
  begin(chunk: Uint8Array): void {
    this.#splitter.push(chunk)
  }

  /** The next message that the chunk completes. */
  next(): WireMessage | undefined {
    const frame = this.#splitter.next()
    return frame && decodeFrame(frame, this.#version)
  }
}

function encodeMessage(writer: Writer, message: WireMessage): void {
  switch (message.type) {
    case 'swim':
      encodeIn(swimFamily, writer, message.message)
      break
    case 'forming':
      encodeIn(formingFamily, writer, message.message)
      break
    case 'raft':
      encodeIn(raftFamily, writer, message.message)
      break
    case 'plumtree':
      encodeIn(plumtreeFamily, writer, message.message)
      break
    case 'contacts':
      writer.u8(frameNumbers.contacts)
      contacts.encode(writer, message.contacts)
      break
    case 'record':
      writer.u8(frameNumbers.record)
      clusterRecord.encode(writer, message.record)
      break
    case 'envelope':
      writer.u8(frameNumbers.envelope)
      envelope.encode(writer, message.envelope)
      break
    case 'lane':
      writer.u8(message.kind)
      writer.fixed(message.body, message.body.length)
      break
    case 'overlay':
      writer.u8(frameNumbers.overlay)
      overlayFrame.encode(writer, message)
      break
    case 'hold':
      writer.u8(frameNumbers.hold)
      hold.encode(writer, message)
      break
    default:
      encodeIn(helloFamily, writer, message)
  }
}

function encodeIn<T extends { readonly type: string }>(family: Family<T>, writer: Writer, message: T): void {
  writer.u8(family.numberOf(message))
  family.encodeBody(writer, message)
}

/** All of them stand side by side. */
function isLaneKind(kind: number): boolean {
  return kind >= frameNumbers['lane-message'] && kind <= frameNumbers['lane-open']
}

type Decode = (number: number, reader: Reader) => WireMessage

/** By number. The four messages around a link are open at their end, all others are exactly as long as their fields. */
const decoders: readonly (Decode | undefined)[] = buildDecoders()

function buildDecoders(): (Decode | undefined)[] {
  const table: (Decode | undefined)[] = new Array(256).fill(undefined)
  for (const number of helloFamily.numbers) table[number] = helloFamily.decodeBody
  for (const number of swimFamily.numbers) {
    table[number] = strict((reader) => ({ type: 'swim', message: swimFamily.decodeBody(number, reader) }))
  }
  for (const number of formingFamily.numbers) {
    table[number] = strict((reader) => ({ type: 'forming', message: formingFamily.decodeBody(number, reader) }))
  }
  for (const number of plumtreeFamily.numbers) {
    table[number] = strict((reader) => ({ type: 'plumtree', message: plumtreeFamily.decodeBody(number, reader) }))
  }
  for (const number of raftFamily.numbers) {
    table[number] = strict((reader) => ({ type: 'raft', message: raftFamily.decodeBody(number, reader) }))
  }
  table[frameNumbers.contacts] = strict((reader) => ({ type: 'contacts', contacts: contacts.decode(reader) }))
  table[frameNumbers.record] = strict((reader) => ({ type: 'record', record: clusterRecord.decode(reader) }))
  table[frameNumbers.overlay] = strict((reader) => ({ type: 'overlay', ...overlayFrame.decode(reader) }))
  table[frameNumbers.hold] = strict((reader) => ({ type: 'hold', ...hold.decode(reader) }))
  table[frameNumbers.envelope] = strict((reader) => ({ type: 'envelope', envelope: envelope.decode(reader) }))
  return table
}

function strict(decode: (reader: Reader) => WireMessage): Decode {
  return (_number, reader) => {
    const message = decode(reader)
    reader.end()
    return message
  }
}
