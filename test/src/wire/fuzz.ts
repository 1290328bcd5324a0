// Mutated bytes against every parser of what a peer or a stranger may send. Each takes some bytes and must end in a
// value or a `WireError`, and hold no more than its bound says; any other error is a bug and leaves here.
// `fuzz.test.ts` runs the short form, `scripts/fuzz.ts` the long one.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { type ClusterCommand, ClusterMachine } from '../../../consensus/index.ts'
import { type ConnectionOwner, LaneConnection } from '../../../src/channels/lane-connection.ts'
import { ReassemblyBudget } from '../../../src/channels/transfers.ts'
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  livenessKey,
} from '../../../src/liveness/datagram.ts'
import { mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import { decodeCommand, encodeCommand } from '../../../src/wire/command.ts'
import { decodeCausal, decodeDelivery, encodeCausal, encodeDelivery } from '../../../src/wire/delivery.ts'
import { decodeEnvelope, encodeEnvelope } from '../../../src/wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import { HeadReader } from '../../../src/wire/lane-envelope.ts'
import { LaneFrameSplitter } from '../../../src/wire/lane-frames.ts'
import { MAX_FRAME_BYTES, MAX_HANDSHAKE_FRAME_BYTES } from '../../../src/wire/limits.ts'
import { decodeState, encodeState } from '../../../src/wire/machine-state.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { arbitraryCommand } from './arbitrary-command.ts'
import { fullEnvelope, laneFrames, messageFrame, otherEnds, plainEnvelope } from './sample-lane-frames.ts'
import { sampleMessages } from './sample-messages.ts'

interface Target {
  readonly samples: readonly Uint8Array[]
  readonly parse: (bytes: Buffer) => void
  /** The first bytes are the length of the rest: most mutations put it right, or nearly all would end there. */
  readonly isFramed?: boolean
}

/** What one parser made of its share. */
export interface FuzzReport {
  readonly parser: string
  readonly frames: number
  readonly parsed: number
  /** By kind of `WireError`. */
  readonly refused: Readonly<Record<string, number>>
}

const commands = fc.sample(arbitraryCommand, { numRuns: 64, seed: 1 })
const frames = [...sampleMessages, appendOf(commands)].map((message) => encodeFrame(message))
const handshakes = sampleMessages.filter(({ type }) => ['hello', 'accept', 'refuse', 'goodbye'].includes(type))
const reassemblyBytes = 1_000_000
const keys = [livenessKey('a secret of many bits', 'cluster')]
const question = { nonce: Buffer.alloc(16, 7), from: 'id-a', to: 'id-b' }

const targets: Readonly<Record<string, Target>> = {
  'link frames': { samples: frames, isFramed: true, parse: (bytes) => decodeStream(bytes, MAX_FRAME_BYTES) },
  'streams of link frames': {
    samples: [Buffer.concat(frames.slice(0, 12))],
    parse: (bytes) => decodeStream(bytes, MAX_FRAME_BYTES),
  },
  'frames before admission': {
    samples: handshakes.map((message) => encodeFrame(message)),
    isFramed: true,
    parse: (bytes) => decodeStream(bytes, MAX_HANDSHAKE_FRAME_BYTES),
  },
  commands: { samples: commands.map(encodeCommand), parse: (bytes) => void decodeCommand(bytes) },
  'states of the machine': { samples: [stateBehind(commands)], parse: (bytes) => decodeWholeState(bytes) },
  'lane frames': { samples: laneFrames.filter(({ length }) => length < 1_000), isFramed: true, parse: receive },
  'streams of lane frames': { samples: [Buffer.concat(laneFrames.slice(0, 7))], parse: receive },
  'heads of lane envelopes': {
    samples: [plainEnvelope, fullEnvelope].map((envelope) => messageFrame(envelope).subarray(FRAME_HEADER_BYTES)),
    parse: (bytes) => void new HeadReader(otherEnds).read(bytes, 0, bytes.length, bytes.length),
  },
  envelopes: {
    samples: [plainEnvelope, fullEnvelope].map(encodeEnvelope),
    parse: (bytes) => void decodeEnvelope(bytes),
  },
  'acknowledgements and floors': {
    samples: [
      encodeDelivery({
        type: 'acknowledgement',
        finishedThrough: 7,
        until: 300,
        finished: [{ first: 9, last: 12 }],
        received: [{ first: 14, last: 14 }],
        failures: [{ sequence: 9, failure: Uint8Array.of(123, 125) }],
        isAnswer: true,
      }),
      encodeDelivery({ type: 'floor', floor: 5, sentThrough: 400, skipped: [{ first: 6, last: 8 }] }),
      encodeDelivery({
        ...{ type: 'piece', transfer: 2, bytes: 70_000, offset: 0 },
        ...{ head: Uint8Array.of(1, 2), part: Uint8Array.of(3) },
      }),
      encodeDelivery({ type: 'placed', transfer: 2, through: 61_440, state: 'wanted' }),
    ],
    parse: (bytes) => void decodeDelivery(bytes),
  },
  'causal stamps': {
    samples: [
      encodeCausal({ sequence: 7, dependencies: [{ source: 'id-b', generation: 2, sequence: 300 }] }, Uint8Array.of(1)),
    ],
    parse: (bytes) => void decodeCausal(bytes),
  },
  'liveness datagrams': {
    samples: [
      encodeQuestion(question, keys[0]!),
      encodeAnswer({ ...question, generation: 3, ageMs: 12, condition: 0 }, keys[0]!),
    ],
    // What is forged is no answer, without a word.
    parse: (bytes) => {
      const isForged = decodeQuestion(bytes, keys) === undefined && decodeAnswer(bytes, keys) === undefined
      if (isForged) throw new WireError('bad-value', 'a datagram that nobody sealed')
    },
  },
}

/** How many parsers there are. */
export const parsers = Object.keys(targets).length

/** Hands `count` mutated inputs to the parsers, by turns. The same seed does the same. */
export function fuzz(count: number, seed: number): FuzzReport[] {
  const share = Math.ceil(count / parsers)
  return Object.entries(targets).map(([parser, target]) => {
    const random = randomFrom(seed)
    const refused: Record<string, number> = {}
    let parsed = 0
    for (let index = 0; index < share; index++) {
      const sample = target.samples[index % target.samples.length]!
      const kind = refusalOf(target, mutated(sample, random, target.isFramed === true))
      if (kind === undefined) parsed += 1
      else refused[kind] = (refused[kind] ?? 0) + 1
    }
    return { parser, frames: share, parsed, refused }
  })
}

function refusalOf(target: Target, bytes: Buffer): string | undefined {
  try {
    target.parse(bytes)
    return undefined
  } catch (error) {
    if (error instanceof WireError) return error.kind
    throw error
  }
}

function mutated(sample: Uint8Array, random: () => number, isFramed: boolean): Buffer {
  if (!isFramed || random() < 0.2) return Buffer.from(mutate(sample, random))
  const body = mutate(sample.subarray(FRAME_HEADER_BYTES - 1), random)
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(body.length)
  frame.set(body, 4)
  return frame
}

function appendOf(all: readonly ClusterCommand[]): WireMessage {
  const entries = all.map((command, at) => ({ index: at + 1, term: 1, command }))
  const place = { term: 1, round: 1, previousIndex: 0, previousTerm: 0, commitIndex: 0 }
  return { type: 'raft', message: { type: 'append', ...place, entries } }
}

function stateBehind(all: readonly ClusterCommand[]): Uint8Array {
  const machine = new ClusterMachine()
  for (const [at, command] of all.entries()) machine.apply({ index: at + 1, term: 1 }, command)
  return Buffer.concat(Array.from(encodeState(machine.snapshot()), (piece) => Buffer.from(piece)))
}

function decodeWholeState(bytes: Buffer): void {
  for (const _ of decodeState(bytes));
}

function decodeStream(bytes: Buffer, maxFrameBytes: number): void {
  const decoder = new FrameDecoder({ maxFrameBytes })
  for (const _ of decoder.push(bytes));
  assert.ok(decoder.bufferedBytes <= bytes.length)
}

/** One end of a lane without a socket, to which a peer sends `bytes` in two pieces. */
function receive(bytes: Buffer): void {
  const budget = new ReassemblyBudget(reassemblyBytes)
  const owner: ConnectionOwner = {
    ends: otherEnds,
    budget,
    hasQueued: false,
    now: () => 0,
    write: () => {},
    nextFree: () => undefined,
    next: () => undefined,
    nextTransfer: () => undefined,
    transferEnded: () => {},
    sent: () => {},
    roundTrip: () => {},
    peerEnded: () => {},
    wake: () => {},
  }
  const connection = new LaneConnection(owner)
  const splitter = new LaneFrameSplitter(connection)
  try {
    splitter.push(bytes.subarray(0, bytes.length >> 1))
    splitter.push(bytes.subarray(bytes.length >> 1))
  } finally {
    assert.ok(budget.reserved <= reassemblyBytes)
    connection.close()
    assert.equal(budget.reserved, 0)
  }
}
