import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startAdmin } from '../../src/admin/server.ts'
import type { MemberView, NodeStatus } from '../../src/node-interface.ts'
import { startProcesses } from '../../src/testing/processes.ts'
import { memberView } from '../src/admin/fake-node.ts'
import { until } from '../src/cli/wait-until.ts'
import { atRest, keep, noBrowser, openBrowser, openPage, screenshots } from './browser.ts'
import { fakeCluster, showMembers } from './fake-cluster.ts'

const anyPort = { address: '127.0.0.1:0' }

/** What stands on the page. */
async function shown(page: Page) {
  const text = (id: string): Promise<string> => page.locator(`#${id}`).innerText()
  const rows = await page.locator('tr[data-row]').all()
  const states = rows.map(async (row) => [await row.getAttribute('data-row'), await row.getAttribute('data-state')])
  return {
    leader: await text('leader'),
    leaderDetail: await text('leader-detail'),
    s5: await text('s5'),
    s5Detail: await text('s5-detail'),
    alive: await text('alive'),
    states: await Promise.all(states),
  }
}

/** What should stand there, by the API. */
function said(
  { consensus, s5, cluster }: NodeStatus,
  members: readonly MemberView[],
): Awaited<ReturnType<typeof shown>> {
  const token = s5.fencingToken === null ? '' : `, fencing token ${s5.fencingToken}`
  return {
    leader: consensus.leader ?? 'none',
    leaderDetail: `term ${consensus.term}, ${consensus.quorum ? 'with a quorum' : 'no quorum'}`,
    s5: s5.host ?? 'none',
    s5Detail: s5.phase + token,
    alive: `${cluster.alive} of ${cluster.size}`,
    states: members.map(({ name, state }) => [name, state]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
  }
}

describe('the dashboard in a browser', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => {
    browser = await openBrowser()
    console.log(`screenshots: ${screenshots}`)
  })
  after(() => browser.close())

  it('says what the API says, before and after a kill, and asks nobody but its node', async () => {
    await using cluster = await startProcesses(3)
    const { leader } = await cluster.ready()
    const witness = cluster.nodes.find((node) => node !== leader)!
    const { page, requests, errors } = await openPage(browser, `${witness.admin}/`)
    const agrees = async (): Promise<boolean> => {
      const expected = said(await witness.status(), await witness.members())
      return JSON.stringify(await shown(page)) === JSON.stringify(expected)
    }
    await cluster.until('the page says what the API says', agrees)
    assert.equal(await page.locator('g.own.up').count(), 2)
    // The link between the two others: they tell it when they are asked.
    await page.locator('g.other.up.overlay').waitFor({ state: 'attached' })
    assert.equal(await page.locator('g.other:not(.gone)').count(), 1)
    assert.match(
      (await page.locator(`[data-member=${leader.name}]`).getAttribute('aria-label'))!,
      /leader, hosts S5 with token/,
    )
    await keep(page, 'processes-before-kill')

    const { fencingToken } = (await witness.status()).s5
    await leader.kill()
    await cluster.until('another one leads and hosts S5', async () => {
      const { consensus, s5 } = await witness.status()
      return consensus.leader !== leader.name && s5.phase === 'active' && s5.fencingToken! > fencingToken!
    })
    await page.locator(`tr[data-row=${leader.name}][data-state=down]`).waitFor()
    await cluster.until('the page says what the API says now', agrees)
    const { consensus } = await witness.status()
    await page
      .locator('#events li', { hasText: `${consensus.leader} leads in term` })
      .first()
      .waitFor()
    await page
      .locator('#events li', { hasText: `${leader.name}:` })
      .first()
      .waitFor()
    assert.equal(await page.locator('g.own.up').count(), 1)
    assert.equal(await page.locator('g.other:not(.gone)').count(), 0)
    await keep(page, 'processes-after-kill')
    const later = await openPage(browser, `${witness.admin}/`)
    await later.page
      .locator('#events li', { hasText: `${consensus.leader} leads in term` })
      .first()
      .waitFor()
    await later.page.locator(`tr[data-row=${leader.name}] button`).click()
    await later.page
      .locator('.grounds li', { hasText: /down \(.*refused/ })
      .first()
      .waitFor()
    await keep(later.page, 'processes-opened-later')
    await later.page.locator(`tr[data-row=${consensus.leader}] button`).click()
    await later.page
      .locator('.panel dd', { hasText: `leader in term ${consensus.term}` })
      .first()
      .waitFor()
    await later.page.context().close()
    assert.deepEqual(errors, [])
    assert.deepEqual(
      [...new Set(requests.map((url) => url.startsWith('data:') || new URL(url).origin))].filter(
        (origin) => origin !== true,
      ),
      [witness.admin],
    )
    await page.context().close()
  })

  it('is used by keyboard: tab walks members, enter opens one, escape closes it and goes back', async () => {
    const admin = await startAdmin(fakeCluster(5), anyPort)
    const { page } = await openPage(browser, `${admin.url}/`, { colorScheme: 'dark' })
    await atRest(page)
    await page.keyboard.press('Tab')
    await page.locator('a.skip:focus').waitFor()
    for (const name of ['node-1', 'node-2', 'node-3']) {
      await page.keyboard.press('Tab')
      await page.locator(`[data-member=${name}]:focus`).waitFor()
    }
    await page.keyboard.press('ArrowLeft')
    await page.locator('[data-member=node-2]:focus').waitFor()
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary', { name: 'Member node-2' })
    await panel.waitFor()
    const text = await panel.innerText()
    for (const fact of [
      'leader, hosts S5 with token 17',
      'overlay, pinned',
      'life 1, no refutations',
      'not known to node-1',
    ])
      assert.ok(text.includes(fact), `${fact} in ${text}`)
    await keep(page, '5-dark-detail')
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await page.locator('[data-member=node-2]:focus').waitFor()
    await page.context().close()
    await admin.close()
  })

  it('says every state and condition without colour, in light and in dark', async () => {
    const node = fakeCluster(8, {
      'node-3': { state: 'suspect' },
      'node-4': { state: 'down' },
      'node-5': { condition: 'stalled' },
      'node-6': { condition: 'draining' },
      'node-8': { state: 'left' },
    })
    const admin = await startAdmin(node, anyPort)
    const grounds = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(browser, `${admin.url}/`, { colorScheme })
      await atRest(page)
      for (const [name, words] of [
        ['node-3', '◐ suspect'],
        ['node-4', '✕ down'],
        ['node-5', '● alive, ‖ stalled'],
        ['node-6', '● alive, ↧ draining'],
        ['node-8', '○ left'],
      ] as const)
        assert.equal(await page.locator(`tr[data-row=${name}] td`).first().innerText(), words)
      assert.equal(await page.locator('.mark.down .cross').count(), 1)
      assert.equal(await page.locator('.mark.suspect .half').count(), 1)
      grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      await keep(page, `8-states-${colorScheme}`)
      assert.deepEqual(errors, [])
      await page.context().close()
    }
    assert.notEqual(grounds[0], grounds[1])
    await admin.close()
  })

  it('moves smoothly, unless the reader asked for less motion', async () => {
    const node = fakeCluster(5)
    const admin = await startAdmin(node, anyPort)
    const { page } = await openPage(browser, `${admin.url}/`)
    await page.locator('.stage[data-moving=false]').waitFor()
    const second = await openPage(browser, `${admin.url}/`, { reducedMotion: 'no-preference' })
    await atRest(second.page)
    showMembers(node, [...node.members(), memberView('node-6')])
    await second.page.locator('.stage[data-moving=true]').waitFor()
    await page.locator('[data-member=node-6]').waitFor()
    assert.equal(await page.locator('.stage').getAttribute('data-moving'), 'false')
    await Promise.all([page.context().close(), second.page.context().close()])
    await admin.close()
  })

  for (const [count, drawing] of [
    [3, 'svg'],
    [50, 'svg'],
    [300, 'canvas'],
  ] as const) {
    it(`draws ${count} members, each to be pointed at`, async () => {
      const admin = await startAdmin(fakeCluster(count, { 'node-3': { state: 'down' } }), anyPort)
      const { page, errors } = await openPage(browser, `${admin.url}/`)
      await page.locator(`.stage[data-drawing=${drawing}]`).waitFor()
      await keep(page, `${count}-light`)
      await page.emulateMedia({ colorScheme: 'dark' })
      await keep(page, `${count}-dark`)
      assert.equal(await page.locator('button.member').count(), count)
      assert.equal(await page.locator('tr[data-row]').count(), count)
      await page.locator(`[data-member=node-${count}]`).click()
      await page.getByRole('complementary', { name: `Member node-${count}` }).waitFor()
      assert.deepEqual(errors, [])
      await page.context().close()
      await admin.close()
    })
  }

  it('has marks and names beside each other on a phone', async () => {
    for (const count of [12, 50]) {
      const admin = await startAdmin(fakeCluster(count), anyPort)
      const { page } = await openPage(browser, `${admin.url}/`, { viewport: { width: 390, height: 844 } })
      await atRest(page)
      const boxes = await Promise.all(
        (await page.locator('.label .name').all()).map(async (name) => (await name.boundingBox())!),
      )
      assert.equal(
        boxes.length,
        count === 12 ? 12 : 2,
        'where names would cover each other only notable ones are there',
      )
      for (const [index, a] of boxes.entries())
        for (const b of boxes.slice(index + 1)) {
          const isApart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
          assert.ok(isApart, `${count}: ${JSON.stringify([a, b])}`)
        }
      await keep(page, `${count}-phone`)
      await page.context().close()
      await admin.close()
    }
  })

  it('says that its node is gone, keeps what it knew, and comes back by itself with what it missed', async () => {
    const node = fakeCluster(5)
    const first = await startAdmin(node, anyPort)
    const { page } = await openPage(browser, `${first.url}/`)
    await page.locator('#connection[data-state=live]').waitFor()
    await first.close()
    await page.locator('#notice', { hasText: 'Connection to node-1 lost' }).waitFor()
    assert.equal(await page.locator('#leader').innerText(), 'node-2')
    await keep(page, 'gone')

    showMembers(node, node.members().with(3, memberView('node-4', { state: 'down' })))
    const second = await startAdmin(node, { address: new URL(first.url).host })
    await page.locator('#connection[data-state=live]').waitFor()
    await page.locator('#notice').waitFor({ state: 'detached' })
    await page.locator('#events li', { hasText: 'node-4: alive → down (meanwhile)' }).waitFor()
    await until(async () => (await page.locator('#alive').innerText()) === '4 of 5')
    await page.context().close()
    await second.close()
  })

  it('asks for a token where the admin does, and opens with it', async () => {
    const token = 'a token that is long enough to be one'
    const admin = await startAdmin(fakeCluster(3), { ...anyPort, tokens: { read: token } })
    const { page } = await openPage(browser, `${admin.url}/`)
    await page.getByLabel('This admin asks for a token.').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('That token is not known here.').waitFor()
    await page.getByLabel('This admin asks for a token.').fill(token)
    await page.keyboard.press('Enter')
    await page.locator('#connection[data-state=live]').waitFor()
    assert.equal(await page.locator('tr[data-row]').count(), 3)
    await page.context().close()
    await admin.close()
  })

  it('shows a name that looks like markup as the text that it is', async () => {
    const node = fakeCluster(3)
    const name = '<img src=x onerror=alert(1)>'
    showMembers(node, node.members().with(2, memberView(name)))
    const admin = await startAdmin(node, anyPort)
    const { page, requests } = await openPage(browser, `${admin.url}/`)
    await page.locator('tbody button', { hasText: name }).waitFor()
    assert.equal(await page.locator('img').count(), 0)
    assert.ok(requests.every((url) => !url.endsWith('/x')))
    await page.context().close()
    await admin.close()
  })
})
