import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { ClusterReply } from '../../../consensus/index.ts'
import type { Payload } from '../../../src/channels/payload.ts'
import { ClusterError } from '../../../src/errors.ts'
import {
  AdmissionDesk,
  type AdmissionRequest,
  encodeRequest,
  type HolderState,
  parseAnswer,
} from '../../../src/membership/admission.ts'
import { systemClock } from '../../../src/runtime/clock.ts'

let leader: string | undefined
let holders: Map<string, string>
let holderState: HolderState
let reply: ClusterReply | Error
let forwarded: { to: string; request: AdmissionRequest; answer: Payload }
const proposals: { request: AdmissionRequest; replaces: string | undefined }[] = []
const desk = new AdmissionDesk({
  clock: systemClock,
  self: 'me',
  leader: () => leader,
  holder: (name) => holders.get(name),
  stateOf: () => holderState,
  isMember: (id) => id.startsWith('member'),
  propose: async (request, replaces) => {
    proposals.push({ request, replaces })
    if (reply instanceof Error) throw reply
    return reply
  },
  forward: async (to, request) => {
    forwarded = { ...forwarded, to, request }
    return forwarded.answer
  },
})

const request = { id: 'newcomer', name: 'x' }
const ask = (from = 'newcomer', asked: unknown = request) =>
  desk.answer({ from, subject: 'trellis.admit', payload: asked as Payload })

beforeEach(() => {
  leader = 'me'
  holders = new Map()
  holderState = 'present'
  reply = { type: 'ok', index: 5 }
  proposals.length = 0
  forwarded = { to: '', request: { id: '', name: '' }, answer: { outcome: 'admitted' } }
})

describe('the admission desk of the leader', () => {
  it('binds a free name by an entry of the log', async () => {
    assert.deepEqual(await ask(), { outcome: 'admitted' })
    assert.deepEqual(proposals, [{ request, replaces: undefined }])
  })

  it('admits the holder of a name without an entry', async () => {
    holders.set('x', 'newcomer')
    assert.deepEqual(await ask(), { outcome: 'admitted' })
    assert.deepEqual(proposals, [])
  })

  it('refuses a name whose holder is here', async () => {
    holders.set('x', 'old')
    assert.deepEqual(await ask(), { outcome: 'taken', holder: 'old' })
    assert.deepEqual(proposals, [])
  })

  it('says later while nobody is sure that the holder is gone', async () => {
    holders.set('x', 'old')
    holderState = 'unsure'
    const answer = parseAnswer(await ask())
    assert.equal(answer.outcome, 'later')
    assert.deepEqual(proposals, [])
  })

  it('moves a name from a holder that is gone, and from exactly that one', async () => {
    holders.set('x', 'old')
    holderState = 'gone'
    assert.deepEqual(await ask(), { outcome: 'admitted' })
    assert.deepEqual(proposals, [{ request, replaces: 'old' }])
  })

  it('says later when another claimant was faster', async () => {
    reply = { type: 'name-taken', name: 'x', holder: 'faster' }
    assert.equal(parseAnswer(await ask()).outcome, 'later')
  })

  it('fails when the log refuses the name for good', async () => {
    reply = { type: 'refused', reason: 'name-length' }
    await assert.rejects(ask(), { code: 'ERR_BAD_REQUEST' })
  })

  it('fails when the entry cannot be committed: the newcomer asks again', async () => {
    reply = new ClusterError('ERR_NOT_LEADER', 'deposed', { leader: undefined })
    await assert.rejects(ask(), { code: 'ERR_NOT_LEADER' })
  })
})

describe('the admission desk of any other member', () => {
  it('passes the question on to the leader, and the answer back', async () => {
    leader = 'boss'
    forwarded.answer = { outcome: 'taken', holder: 'old' }
    assert.deepEqual(await ask(), { outcome: 'taken', holder: 'old' })
    assert.deepEqual([forwarded.to, forwarded.request, proposals], ['boss', request, []])
  })

  it('says later while it knows no leader', async () => {
    leader = undefined
    assert.equal(parseAnswer(await ask()).outcome, 'later')
  })

  it('does not pass a question back to whom it came from', async () => {
    leader = 'member-b'
    assert.equal(parseAnswer(await ask('member-b')).outcome, 'later')
    assert.equal(forwarded.to, '')
  })

  it('fails on an answer that is none', async () => {
    leader = 'boss'
    for (const answer of [null, 'yes', {}, { outcome: 'taken' }, { outcome: 'later' }, { outcome: 'maybe' }]) {
      forwarded.answer = answer as Payload
      await assert.rejects(ask(), TypeError)
    }
  })
})

describe('a question for admission', () => {
  it('of a newcomer is for itself; a member may pass on another', async () => {
    await assert.rejects(ask('somebody else'), TypeError)
    assert.deepEqual(proposals, [])
    assert.deepEqual(await ask('member-b'), { outcome: 'admitted' })
  })

  it('that is none is refused', async () => {
    for (const asked of [null, 'x', [], {}, { id: 1, name: 'x' }, { id: 'newcomer' }, Uint8Array.of(1)]) {
      await assert.rejects(ask('newcomer', asked), TypeError)
    }
  })

  it('arrives as it was asked', async () => {
    assert.deepEqual(await ask('newcomer', encodeRequest(request)), { outcome: 'admitted' })
    assert.deepEqual(proposals[0]?.request, request)
  })
})
