// The bytes of every message in every version this release speaks. A difference here is a change of the wire format:
// the file of a version is never edited, a new version gets a new one.
//
//   TRELLIS_WRITE_GOLDEN=1 node --test test/src/wire/golden.test.ts     writes a file that is not there yet

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { frameNumbers } from '../../../src/wire/message-numbers.ts'
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION, SIGNED_VERSION } from '../../../src/wire/versions.ts'
import { laneMessages } from './sample-lane-frames.ts'
import { nameOf, sampleMessages, versionTwoMessages } from './sample-messages.ts'

const goldenFile = (version: number): string => join(import.meta.dirname, 'golden', `version-${version}.txt`)

function samplesOf(version: number): readonly WireMessage[] {
  const samples = [...sampleMessages, ...laneMessages]
  return version < SIGNED_VERSION ? samples : [...samples, ...versionTwoMessages]
}

function current(version: number): string {
  const lines = samplesOf(version).map((message) => {
    const hex = Buffer.from(encodeFrame(message, version)).toString('hex')
    return `${nameOf(message)}: ${hex}\n`
  })
  return lines.join('')
}

describe('golden bytes', () => {
  for (let version = OLDEST_PROTOCOL_VERSION; version <= PROTOCOL_VERSION; version++) {
    const file = goldenFile(version)
    if (process.env.TRELLIS_WRITE_GOLDEN === '1' && !existsSync(file)) writeFileSync(file, current(version))

    it(`are what version ${version} writes`, () => {
      assert.equal(current(version), readFileSync(file, 'utf8'))
    })

    it(`are read by version ${version} as what was written`, () => {
      const frames = readFileSync(file, 'utf8').trimEnd().split('\n')
      const decoder = new FrameDecoder({ version })
      const messages = frames.flatMap((line) => [...decoder.push(Buffer.from(line.split(': ')[1] ?? '', 'hex'))])
      assert.deepEqual(messages, samplesOf(version))
    })
  }

  it('cover every message number', () => {
    const covered = new Set(samplesOf(PROTOCOL_VERSION).map((message) => encodeFrame(message)[FRAME_HEADER_BYTES - 1]))
    assert.deepEqual([...covered].sort(byNumber), Object.values(frameNumbers).sort(byNumber))
  })
})

function byNumber(one: number | undefined, other: number | undefined): number {
  return (one ?? 0) - (other ?? 0)
}
