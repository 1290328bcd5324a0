import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOriginGuard, type OriginGuardOptions } from '../../../src/admin/origin.ts'

const loopback: OriginGuardOptions = { host: '127.0.0.1', names: ['127.0.0.1'] }
const named: OriginGuardOptions = { host: 'localhost', names: ['node-1.example'] }
const wildcard: OriginGuardOptions = { host: '0.0.0.0', names: ['node-1'] }

type HeaderTable = Record<string, string>
const cases: readonly [title: string, options: OriginGuardOptions, headers: HeaderTable, passes: boolean][] = [
  ['127.0.0.1 with the port', loopback, { host: '127.0.0.1:7501' }, true],
  ['127.0.0.1 without a port', loopback, { host: '127.0.0.1' }, true],
  ['localhost', loopback, { host: 'LocalHost:1' }, true],
  ['[::1]', loopback, { host: '[::1]:7501' }, true],
  ['no Host', loopback, {}, false],
  ['a name of somebody else', loopback, { host: 'evil.example:7501' }, false],
  ['a name that begins like loopback', loopback, { host: '127.0.0.1.evil.example' }, false],
  ['a name that ends like loopback', loopback, { host: 'evil-localhost' }, false],
  ['user info before loopback', loopback, { host: 'evil@127.0.0.1' }, false],
  ['an address of elsewhere', loopback, { host: '10.0.0.1' }, false],
  ['the advertised name', named, { host: 'node-1.example:7500' }, true],
  ['any address, when listening everywhere', wildcard, { host: '10.1.2.3:7500' }, true],
  ['the advertised name, when listening everywhere', wildcard, { host: 'node-1:7500' }, true],
  ['a foreign name, when listening everywhere', wildcard, { host: 'evil.example' }, false],
  ['the same origin', loopback, { host: '127.0.0.1:7501', origin: 'http://127.0.0.1:7501' }, true],
  ['another port as origin', loopback, { host: '127.0.0.1:7501', origin: 'http://127.0.0.1:3000' }, false],
  ['another loopback name as origin', loopback, { host: '127.0.0.1:7501', origin: 'http://localhost:7501' }, false],
  ['a foreign origin', loopback, { host: '127.0.0.1:7501', origin: 'http://evil.example' }, false],
  ['the origin null', loopback, { host: '127.0.0.1:7501', origin: 'null' }, false],
  ['an extension as origin', loopback, { host: '127.0.0.1:7501', origin: 'chrome-extension://127.0.0.1:7501' }, false],
  ['a call of the page itself', loopback, { host: '127.0.0.1', 'sec-fetch-site': 'same-origin' }, true],
  ['a typed address', loopback, { host: '127.0.0.1', 'sec-fetch-site': 'none' }, true],
  [
    'an image on another site',
    loopback,
    { host: '127.0.0.1', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    false,
  ],
  [
    'a page on another port',
    loopback,
    { host: '127.0.0.1', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
    false,
  ],
  [
    'a link on another site',
    loopback,
    { host: '127.0.0.1', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    true,
  ],
]

describe('the origin guard', () => {
  for (const [title, options, headers, passes] of cases)
    it(`${passes ? 'lets pass' : 'refuses'} ${title}`, async () => {
      const guard = await createOriginGuard(options)
      const check = (): void => guard({ method: 'GET', headers: new Headers(headers) } as Request)
      if (passes) assert.doesNotThrow(check)
      else assert.throws(check, { code: 'ERR_FORBIDDEN_ORIGIN' })
    })

  it('refuses a form that a foreign page posts', async () => {
    const guard = await createOriginGuard(loopback)
    const headers = new Headers({ host: '127.0.0.1', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })
    assert.throws(() => guard({ method: 'POST', headers } as Request), { code: 'ERR_FORBIDDEN_ORIGIN' })
  })

  it('accepts the addresses that its host name has', async () => {
    const guard = await createOriginGuard({ host: 'localhost', names: [] })
    assert.doesNotThrow(() => guard({ method: 'GET', headers: new Headers({ host: '127.0.0.1:1' }) } as Request))
  })
})
