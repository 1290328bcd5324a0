import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Script } from 'node:vm'
import { page } from '../../../src/admin/dashboard/page.ts'
import { script } from '../../../src/admin/dashboard/script.ts'
import { style } from '../../../src/admin/dashboard/style.ts'
import { startAdmin } from '../../../src/admin/server.ts'
import { ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

describe('the dashboard', () => {
  it('is served under a policy that allows nothing from elsewhere and no frame', async () => {
    const admin = await startAdmin(fakeNode(), { address: '127.0.0.1:0' })
    for (const [path, type, body] of [
      ['/', 'text/html', page],
      ['/dashboard.css', 'text/css', style],
      ['/dashboard.js', 'text/javascript', script],
    ] as const) {
      const answer = await ask(admin.url + path)
      assert.equal(answer.status, 200)
      assert.equal(answer.text, body)
      assert.match(answer.headers['content-type'] ?? '', new RegExp(`^${type}`))
      const policy = String(answer.headers['content-security-policy'])
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|\*/)
    }
    await admin.close()
  })

  it('names no other site', () => {
    for (const text of [page, style, script])
      assert.deepEqual(text.replaceAll("'http://www.w3.org/2000/svg'", '').match(/https?:\/\/|\/\/\w+\./g), null)
  })

  it('has a program that parses, and fills in text only', () => {
    assert.doesNotThrow(() => new Script(script))
    assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
  })

  it('has every element that its program looks for', () => {
    for (const [, id] of script.matchAll(/(?:at|say)\('([\w-]+)'/g)) assert.ok(page.includes(`id="${id}"`), id)
  })
})
