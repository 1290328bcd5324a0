import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { optionalPeer, optionalPeers } from '../../src/optional-peer.ts'

const absent = (name: string) => [name, () => import(name)] as const

describe('packages that only some users need', () => {
  it('are named in one line, all that are missing', async () => {
    await assert.rejects(
      optionalPeers([absent('no-such-package'), ['node:net', () => import('node:net')], absent('@no/such')]),
      {
        message: 'this entry point needs the packages no-such-package, @no/such: npm install no-such-package @no/such',
      },
    )
    await assert.rejects(optionalPeer(...absent('no-such-package')), {
      message: "this entry point needs the package 'no-such-package': npm install no-such-package",
    })
  })

  it('are handed over when they are there', async () => {
    const [net, tls] = await optionalPeers<[object, object]>([
      ['node:net', () => import('node:net')],
      ['node:tls', () => import('node:tls')],
    ])
    assert.ok('connect' in net && 'connect' in tls)
  })

  it('that are there and broken fail with their own error', async () => {
    await assert.rejects(
      optionalPeer('broken', () => Promise.reject(new Error('its own'))),
      { message: 'its own' },
    )
  })
})
