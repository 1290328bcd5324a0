import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSwim, swimEnvelope, swimMessageIn } from '../../../src/membership/swim-envelope.ts'
import type { SwimMessage } from '../../../topology/index.ts'
import { recordOf } from '../../topology/swim/records.ts'

const record = { ...recordOf('b'), signature: 'AQID' }
const message = (one: typeof record | ReturnType<typeof recordOf>): SwimMessage => {
  return { type: 'gossip', updates: [{ type: 'record', record: one }] }
}

describe('a message of SWIM on its way over relays', () => {
  it('carries signatures to those that read them, and comes without to others', () => {
    const source = { id: 'a', generation: 1 }
    const signed = swimEnvelope(source, 'c', message(record), 'signed')
    const unsigned = swimEnvelope(source, 'c', message(record), 'unsigned')
    assert.deepEqual(swimMessageIn(signed), message(record))
    assert.deepEqual(swimMessageIn(unsigned), message(recordOf('b')))
    assert.ok(isSwim(signed) && isSwim(unsigned) && !isSwim({ subject: 'trellis.read' }))
    assert.equal(swimMessageIn({ ...signed, subject: unsigned.subject }), undefined)
    assert.equal(swimMessageIn({ ...signed, subject: undefined }), undefined)
  })
})
