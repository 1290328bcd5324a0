import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { orderSwitch, topologyOf } from '../../src/bench/traffic.ts'
import { startProcesses } from '../../src/testing/processes.ts'
import { keep, noBrowser, openBrowser, openPage, screenshots } from './browser.ts'

let browser: Browser
before(async () => {
  if (!noBrowser) browser = await openBrowser()
})
after(() => browser?.close())

/** The links of the page's own node that are drawn, by kind. */
async function drawn(page: Page): Promise<Record<string, number>> {
  const kinds = ['overlay', 'pinned', 'on-demand'] as const
  const counts = await Promise.all(kinds.map((kind) => page.locator(`g.own.up.${kind}`).count()))
  return Object.fromEntries(kinds.map((kind, index) => [kind, counts[index]!]))
}

it('the page draws the links of its node by kind, and follows a switch while it goes on', {
  skip: noBrowser,
}, async () => {
  await using cluster = await startProcesses(7)
  const { leader } = await cluster.ready()
  const { voters } = (await leader.status()).consensus
  // Without roles the voters serve: the others are clients, two links each.
  const [witness, other] = cluster.nodes.filter(({ name }) => !voters.includes(name))
  const third = cluster.nodes.find((node) => node !== leader && voters.includes(node.name))
  const { page, errors } = await openPage(browser, `${witness!.admin}/`)
  const agrees = async (): Promise<boolean> => {
    const { links } = await topologyOf(witness!)
    const said = { overlay: 0, pinned: 0, 'on-demand': 0 }
    for (const { kind } of links) said[kind] += 1
    return JSON.stringify(await drawn(page)) === JSON.stringify(said)
  }
  await cluster.until('six links are drawn', async () => (await agrees()) && (await drawn(page)).overlay === 6)

  // One that stands still holds the switch up where it is, until it goes on or is believed down.
  third!.pause()
  const ordered = orderSwitch(leader, 'client-server', { timeoutMs: 30_000 })
  await page.locator('#switch li[aria-current=step]', { hasText: 'preparing' }).waitFor()
  assert.match(await page.locator('#switch').innerText(), /full-mesh → client-server/)
  await page.screenshot({ path: `${screenshots}/switch-preparing.png` })
  third!.resume()
  assert.equal((await ordered).body.outcome, 'committed')
  await page.locator('#switch').waitFor({ state: 'detached' })
  // Links that nobody needs any more are there for a moment, as if on demand.
  await cluster.until('two links are left', async () => {
    const { overlay, 'on-demand': onDemand } = await drawn(page)
    return overlay === 2 && onDemand === 0 && (await agrees())
  })

  // More than a relay passes on in one piece: it gets a link of its own, for a while.
  const payload = { text: 'x'.repeat(100_000) }
  const body = JSON.stringify({ channel: 'data', to: other!.name, payload })
  const headers = { 'content-type': 'application/json' }
  const sent = await fetch(`${witness!.admin}/v1/messages`, { method: 'POST', headers, body })
  assert.equal(sent.status, 200, await sent.text())
  await cluster.until('it is drawn, too', async () => (await drawn(page))['on-demand'] === 1)
  await keep(page, 'switch-on-demand')
  await cluster.until(
    'and gone when it is idle',
    async () => (await agrees()) && (await drawn(page))['on-demand'] === 0,
  )
  assert.deepEqual(errors, [])
})
