import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadAssets } from '../../../src/admin/dashboard/assets.ts'
import { page } from '../../../src/admin/dashboard/page.ts'
import { startAdmin } from '../../../src/admin/server.ts'
import { ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

describe('the dashboard', () => {
  const assets = loadAssets()
  assert.ok(assets, 'it is built by `npm run build`, which `npm test` runs')

  it('is served under a policy that allows nothing from elsewhere and no frame', async () => {
    const admin = await startAdmin(fakeNode(), { address: '127.0.0.1:0' })
    for (const [path, type, body, caching] of [
      ['/', 'text/html', page(assets), /^no-store$/],
      [assets.style.path, 'text/css', assets.style.body, /immutable/],
      [assets.script.path, 'text/javascript', assets.script.body, /immutable/],
    ] as const) {
      const answer = await ask(admin.url + path)
      assert.equal(answer.status, 200)
      assert.equal(answer.text, body)
      assert.match(answer.headers['content-type'] ?? '', new RegExp(`^${type}`))
      assert.match(answer.headers['cache-control'] ?? '', caching)
      const policy = String(answer.headers['content-security-policy'])
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|\*/)
    }
    await admin.close()
  })

  it('asks for its program and style under addresses that change with them', () => {
    const text = page(assets)
    for (const { path } of [assets.script, assets.style]) {
      assert.match(path, /^\/assets\/dashboard-[0-9a-f]{12}\.(js|css)$/)
      assert.ok(text.includes(`"${path}"`), path)
    }
  })

  it('names no other site', () => {
    const namespaces = /http:\/\/www\.w3\.org\/(2000\/svg|1999\/xhtml|1998\/Math\/MathML|1999\/xlink)/g
    for (const text of [page(assets), assets.style.body, assets.script.body])
      assert.deepEqual(text.replaceAll(namespaces, '').match(/https?:\/\/|["'`(]\/\/\w+\./g), null)
  })

  it('says how to build it where it has not been built', () => {
    assert.match(page(undefined), /npm run build/)
    assert.doesNotMatch(page(undefined), /<script/)
  })
})
