import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import type { CallGraph, TrellisNode } from '../../src/index.ts'
import { until } from '../src/cli/wait-until.ts'
import { form } from '../src/local-nodes.ts'
import { atRest, keep, noBrowser, openBrowser, openPage } from './browser.ts'

/** A shop in which web and mobile call billing, billing calls ledger and tax, of which tax fails every third time. */
function open([a, b, c]: readonly TrellisNode[]): readonly [TrellisNode, TrellisNode, TrellisNode] {
  assert.ok(a && b && c)
  let asked = 0
  c.services.register('ledger', { book: (cents) => cents })
  c.services.register('tax', { of: (cents) => (asked++ % 3 === 0 ? Promise.reject(new Error('no')) : cents) })
  b.services.register('ledger', { book: (cents) => cents })
  const charge = async (cents: unknown) => {
    await b.services.call('tax', 'of', cents).catch(() => {})
    return b.services.call('ledger', 'book', cents)
  }
  b.services.register('billing', { charge }, { version: '2.1.0', capabilities: ['eur'] })
  const buy = (cents: unknown) => a.services.call('billing', 'charge', cents)
  a.services.register('web', { buy }, { dependsOn: ['billing'] })
  a.services.register('mobile', { buy }, { dependsOn: ['push'] })
  return [a, b, c]
}

describe('who calls whom, in a browser', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser.close())

  it('is drawn and told as the API tells it', async () => {
    const nodes = await form(['a', 'b', 'c'], () => ({ admin: '127.0.0.1:0' }))
    const [a, , c] = open(nodes)
    await until(() => c.services.find('web').length + c.services.find('mobile').length === 2)
    for (let call = 0; call < 30; call++) {
      await c.services.call('web', 'buy', call)
      if (call % 3 === 0) await c.services.call('mobile', 'buy', call)
    }
    const { page, errors } = await openPage(browser, `${a.admin}/`)
    await page.getByRole('tab', { name: 'Services' }).click()
    const { edges } = (await (await fetch(`${a.admin}/v1/calls`)).json()) as CallGraph
    assert.equal(edges.length, 6)
    const rows = page.locator('tr[data-call]')
    await until(async () => (await rows.count()) === edges.length)
    for (const { from, to, member, calls, errors: failed } of edges) {
      const cells = await page.locator(`tr[data-call="${from}>${to}@${member}"] td`).allInnerTexts()
      assert.deepEqual(cells.slice(-2), [String(calls), String(failed)])
    }
    const boxes = await page
      .locator('[data-box]')
      .evaluateAll((found) => found.map((box) => box.getAttribute('data-box')))
    assert.deepEqual(boxes.sort(), ['billing', 'ledger', 'mobile', 'programs', 'tax', 'web'])
    assert.equal(await page.locator('.calls .line.failing').count(), 1, 'only tax fails')
    await page.getByRole('tab', { name: 'Services' }).evaluate((tab) => tab.scrollIntoView())
    await atRest(page)
    await keep(page, 'panel-calls')
    assert.deepEqual(errors, [])
  })
})
