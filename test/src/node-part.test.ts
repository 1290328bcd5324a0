import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type NodePart, NodeParts } from '../../src/node-part.ts'
import type { Link } from '../../src/wire/link.ts'
import type { WireMessage } from '../../src/wire/message.ts'

const link = {} as Link
const message: WireMessage = { type: 'goodbye', reason: 'idle' }

describe('the parts of a node', () => {
  it('are closed in the reverse order of their beginning, and the first failure is told', async () => {
    const order: string[] = []
    const part = (name: string, failure?: Error): NodePart => ({
      start: async () => void order.push(`start ${name}`),
      close: async () => {
        order.push(`close ${name}`)
        if (failure) throw failure
      },
    })
    const parts = new NodeParts([part('a'), part('b', new Error('b')), part('c', new Error('c'))])
    await parts.start()
    await assert.rejects(parts.close(), /^Error: c$/)
    assert.deepEqual(order, ['start a', 'start b', 'start c', 'close c', 'close b', 'close a'])
  })

  it('are asked in turn whose a message is, until one takes it', () => {
    const asked: string[] = []
    const part = (name: string, isIts: boolean): NodePart => ({ receive: () => asked.push(name) > 0 && isIts })
    assert.equal(new NodeParts([part('a', false), part('b', true), part('c', true)]).receive(link, message), true)
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal(new NodeParts([part('a', false)]).receive(link, message), false)
  })
})
