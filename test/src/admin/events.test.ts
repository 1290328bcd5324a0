import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createEventFeed } from '../../../src/admin/event-feed.ts'
import { type AdminServer, startAdmin } from '../../../src/admin/server.ts'
import { ask, openStream } from './client.ts'
import { type FakeNode, fakeNode, memberView } from './fake-node.ts'

describe('the event stream', () => {
  let node: FakeNode
  let admin: AdminServer
  before(async () => {
    node = fakeNode()
    admin = await startAdmin(node, { address: '127.0.0.1:0' })
  })
  after(() => admin.close())

  it('begins with snapshots, then tells events as they come and snapshots as they change', async () => {
    const stream = await openStream(`${admin.url}/v1/events`)
    assert.equal(stream.response.headers['content-type'], 'text/event-stream')
    assert.deepEqual(await stream.next(), { event: 'status', data: node.status() })
    assert.deepEqual(await stream.next(), { event: 'members', data: { members: node.members() } })
    const topology = { name: 'full-mesh', epoch: 0, phase: 'stable', links: [], history: [] }
    assert.deepEqual(await stream.next(), { event: 'topology', data: topology })
    assert.equal((await stream.next())?.event, 'past')

    const event = { type: 'leader', at: 5, leader: 'node-2', term: 7 } as const
    node.emit(event)
    assert.deepEqual(await stream.nextOf('leader'), { event: 'leader', data: event })

    node.change({ consensus: { leader: 'node-2', term: 7 } })
    assert.deepEqual((await stream.nextOf('status')).data, node.status())
    node.setMembers([memberView('node-1'), memberView('node-2')])
    assert.deepEqual((await stream.nextOf('members')).data, { members: node.members() })
    const link = { peer: 'node-2', kind: 'overlay', channels: ['coordination'], pinned: true } as const
    node.setLinks([link])
    assert.deepEqual((await stream.nextOf('topology')).data, { ...topology, links: [link] })
    stream.close()
  })

  it('says that it is alive when there is nothing to say', async () => {
    const stream = await openStream(`${admin.url}/v1/events`)
    await stream.nextOf('alive')
    stream.close()
  })

  it('keeps the last events for pages that are opened later', async () => {
    for (let at = 1; at <= 210; at++) node.emit({ type: 'leader', at, leader: null, term: at })
    const stream = await openStream(`${admin.url}/v1/events`)
    const { events } = (await stream.nextOf('past')).data as { events: { at: number }[] }
    assert.deepEqual([events.length, events[0]?.at, events.at(-1)?.at], [200, 11, 210])
    stream.close()
  })

  it('listens to the node until it is closed', () => {
    const other = fakeNode()
    const feed = createEventFeed(other)
    assert.equal(other.listeners, 1)
    feed.close()
    assert.equal(other.listeners, 0)
  })

  it('refuses one more than it can hold', async () => {
    const streams = await Promise.all(Array.from({ length: 32 }, () => openStream(`${admin.url}/v1/events`)))
    const { status, json } = await ask(`${admin.url}/v1/events`)
    assert.deepEqual([status, json.code], [503, 'ERR_BUFFER_FULL'])
    for (const stream of streams) stream.close()
  })

  it('cuts a browser that does not read, and serves the others on', async () => {
    const stalled = connect(Number(new URL(admin.url).port), '127.0.0.1')
    stalled.write('GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    stalled.pause()
    // Left unread, a reset shows as an error once reading begins.
    stalled.on('error', () => {})
    const other = await openStream(`${admin.url}/v1/events`)
    await other.nextOf('members')
    const reason = 'x'.repeat(100_000)
    // More than the kernel and the bound hold together; the reader has had each one before the next is sent.
    for (let sent = 0; sent < 200; sent += 1) {
      node.emit({ type: 'link', at: sent, peer: 'node-2', state: 'down', reason })
      assert.equal((await other.nextOf('link')).data.at, sent)
    }
    const ended = new Promise((resolve) => stalled.once('close', resolve))
    let received = 0
    stalled.on('data', (bytes) => {
      received += bytes.length
    })
    stalled.resume()
    await ended
    assert.ok(received < 200 * reason.length, `${received} bytes came`)
    node.emit({ type: 'leader', at: 1, leader: null, term: 8 })
    await other.nextOf('leader')
    other.close()
  })
})

describe('the event feed', () => {
  it('refuses streams once it is closed', () => {
    const feed = createEventFeed(fakeNode())
    feed.close()
    assert.throws(() => feed.open({} as ServerResponse, {}), { code: 'ERR_SHUTTING_DOWN' })
  })
})
