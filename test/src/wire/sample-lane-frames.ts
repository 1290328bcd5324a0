// One frame of each kind that lanes speak, and envelopes that show every field.

import { Buffer } from 'node:buffer'
import { OutgoingTransfer } from '../../../src/channels/transfers.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import { type LaneEnds, writeHead } from '../../../src/wire/lane-envelope.ts'
import { smallFrame, writeFrameHeader } from '../../../src/wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_HEAD_BYTES } from '../../../src/wire/limits.ts'
import type { WireMessage } from '../../../src/wire/message.ts'
import { channelNumbers, frameNumbers } from '../../../src/wire/message-numbers.ts'

export const laneEnds: LaneEnds = {
  channel: 'data',
  self: 'id-a',
  selfGeneration: 3,
  peer: 'id-b',
  peerGeneration: 300,
}
/** The same connection, seen from its other end. */
export const otherEnds: LaneEnds = {
  channel: 'data',
  self: 'id-b',
  selfGeneration: 300,
  peer: 'id-a',
  peerGeneration: 3,
}

export const plainEnvelope: Envelope = {
  kind: 'message',
  id: 300,
  source: laneEnds.self,
  sourceGeneration: laneEnds.selfGeneration,
  destination: laneEnds.peer,
  destinationGeneration: laneEnds.peerGeneration,
  channel: 'data',
  sequence: 0,
  floor: 0,
  key: undefined,
  epoch: 0,
  hops: 0,
  trace: undefined,
  deadlineMs: undefined,
  subject: undefined,
  topic: undefined,
  encoding: 'bytes',
  payload: Uint8Array.of(0, 1, 255),
}

export const fullEnvelope: Envelope = {
  ...plainEnvelope,
  kind: 'request',
  source: 'id-of somebody else',
  sourceGeneration: 2 ** 40,
  sequence: 129,
  floor: 128,
  key: 'customer-7 ü',
  epoch: 9,
  hops: 2,
  trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  deadlineMs: 200,
  subject: 'billing',
  topic: 'orders.*',
  encoding: 'json',
  payload: Buffer.from('{}'),
}

/** The frame of a message. */
export function messageFrame(envelope: Envelope, ends: LaneEnds = laneEnds): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + MAX_LANE_HEAD_BYTES + envelope.payload.length)
  const at = writeHead(bytes, FRAME_HEADER_BYTES, envelope, ends)
  bytes.set(envelope.payload, at)
  const end = at + envelope.payload.length
  writeFrameHeader(bytes, 0, end, frameNumbers['lane-message'])
  return bytes.subarray(0, end)
}

const transfer = new OutgoingTransfer(7, { ...plainEnvelope, payload: new Uint8Array(MAX_CHUNK_BYTES + 2) })
const chunks = Buffer.alloc(MAX_CHUNK_BYTES + 64)
transfer.writeChunk(chunks, 0)

/** By number of the frame. */
export const laneFrames: readonly Buffer[] = [
  messageFrame(plainEnvelope),
  messageFrame(fullEnvelope),
  transfer.announce(laneEnds),
  // The last chunk of that transfer, of two bytes.
  chunks.subarray(0, transfer.writeChunk(chunks, 0)),
  smallFrame(frameNumbers['lane-stop'], 7),
  smallFrame(frameNumbers['lane-credit'], 65_536, 0),
  smallFrame(frameNumbers['lane-end']),
  smallFrame(frameNumbers['lane-open'], channelNumbers.data),
]

/** The same as the link carries those of coordination. */
export const laneMessages: readonly WireMessage[] = laneFrames.map((frame) => ({
  type: 'lane',
  kind: frame[4]!,
  body: frame.subarray(FRAME_HEADER_BYTES),
}))
