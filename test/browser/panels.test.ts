import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { ChannelsView } from '../../src/admin/channels.ts'
import { startAdmin } from '../../src/admin/server.ts'
import type { ConfigList } from '../../src/coordination/config-interface.ts'
import type { ClaimView } from '../../src/coordination/lease-interface.ts'
import type { Replication } from '../../src/coordination/replication.ts'
import type { ServiceInstance } from '../../src/services/service-interface.ts'
import { startProcesses } from '../../src/testing/processes.ts'
import { atRest, keep, noBrowser, openBrowser, openPage } from './browser.ts'
import { fakeCluster } from './fake-cluster.ts'

/** The cells of every row of the open panel, in the order of the page. */
function rows(page: Page): Promise<string[][]> {
  return page
    .locator('[role=tabpanel] tbody tr')
    .evaluateAll((found) =>
      found.map((row) => [...row.children].map((cell) => (cell as unknown as { innerText: string }).innerText)),
    )
}

async function keepBoth(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await keep(page, `${name}-${colorScheme}`)
  }
}

describe('the panels of the dashboard', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser.close())

  it('say what the API says, ask only while they are open, and follow config as it changes', async () => {
    await using cluster = await startProcesses(3)
    const { leader } = await cluster.ready()
    const node = cluster.nodes.find((each) => each !== leader)!
    const call = async (method: string, path: string, body: unknown): Promise<void> => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(node.admin + path, { method, headers, body: JSON.stringify(body) })
      assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`)
    }
    const said = async <Answer>(path: string): Promise<Answer> =>
      (await (await fetch(node.admin + path)).json()) as Answer
    const put = (key: string, value: unknown): Promise<void> =>
      call('PUT', `/v1/config/${encodeURIComponent(key)}`, { value })
    const { page, requests, errors } = await openPage(browser, `${node.admin}/`)
    const asked = (path: string): number => requests.filter((url) => new URL(url).pathname === path).length
    const agrees = (what: string, expected: () => Promise<unknown[][]>): Promise<unknown> =>
      cluster.until(
        `the panel says of ${what} what the API says`,
        async () => JSON.stringify(await rows(page)) === JSON.stringify(await expected()),
      )
    await page.locator('#connection[data-state=live]').waitFor()
    for (const path of ['/v1/channels', '/v1/config', '/v1/watch', '/v1/locks', '/v1/leader', '/v1/services'])
      assert.equal(asked(path), 0, path)

    await put('app/limit', 40)
    await put('app/name', '<b>shop</b>')
    await put('other/key', { on: true })
    await page.getByRole('tab', { name: 'Config' }).click()
    const config = (prefix: string) => async () => {
      const { entries } = await said<ConfigList>(`/v1/config?prefix=${prefix}`)
      return entries.map(({ key, value, revision, createRevision }) => {
        const text = JSON.stringify(value, undefined, 2).replaceAll(/\n\s*/g, ' ')
        return [key, text, String(revision), String(createRevision)]
      })
    }
    await agrees('all config', config(''))
    await page.getByLabel('Keys that begin with').fill('app/')
    await agrees('config under a prefix', config('app/'))
    const lists = asked('/v1/config')
    await put('app/limit', 41)
    await put('app/area', 'north')
    await call('DELETE', `/v1/config/${encodeURIComponent('app/name')}`, undefined)
    await put('other/key', { on: false })
    await agrees('changed config', config('app/'))
    assert.equal((await rows(page)).length, 2)
    assert.equal(asked('/v1/config'), lists, 'changes come by the watch')
    await put(`app/${'x'.repeat(200)}`, { of: 'a long key' })
    await agrees('config with a long key', config('app/'))
    const table = page.locator('[role=tabpanel] .scroll')
    assert.equal(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth), 0)
    await keepBoth(page, 'panel-config')

    await call('POST', '/v1/locks/backup', { leaseMs: 60_000, owner: 'cron <1>' })
    await page.getByRole('tab', { name: 'Log', exact: true }).click()
    await agrees('the log', async () => {
      const { members } = await said<Replication>('/v1/leader')
      return members.map(({ member, role, position, lag, isCaughtUp }) => {
        const lacks = lag === 0 ? 'nothing' : `${lag} ${lag === 1 ? 'entry' : 'entries'}`
        return [member, role, position.toLocaleString('en'), lacks, isCaughtUp ? '● yes' : '○ no']
      })
    })
    await keepBoth(page, 'panel-log')

    await page.getByRole('tab', { name: 'Locks' }).click()
    await agrees('locks', async () => {
      const { locks } = await said<{ locks: ClaimView[] }>('/v1/locks')
      return locks.flatMap(({ kind, name, holders }) =>
        holders.map(({ owner, token, leaseMs }) => {
          const lease = leaseMs < 10_000 ? `${leaseMs.toLocaleString('en')} ms` : `${leaseMs / 1_000} s`
          return [name, kind, `● ${owner}`, String(token), lease, 'nobody']
        }),
      )
    })
    await page.locator('tr[data-claim=backup]', { hasText: 'cron <1>' }).waitFor()
    await keepBoth(page, 'panel-locks')

    await call('POST', '/v1/services', {
      name: 'mail',
      version: '2.1.0',
      address: '10.0.0.9:25',
      capabilities: ['smtp'],
    })
    await page.getByRole('tab', { name: 'Services' }).click()
    await agrees('services', async () => {
      const { instances } = await said<{ instances: ServiceInstance[] }>('/v1/services')
      return instances
        .map(({ name, namespace, version, member, health, state, address, capabilities, zone }) => {
          assert.deepEqual([health, state], ['passing', 'alive'])
          const [full, words] = [namespace ? `${namespace}/${name}` : name, capabilities.join(', ')]
          return [full, version, member, '✓ passing', '● alive', address || 'by calls only', words, zone]
        })
        .sort(([a, , b], [c, , d]) => (a!.split('/').at(-1)! + b < c!.split('/').at(-1)! + d ? -1 : 1))
    })
    await keepBoth(page, 'panel-services')

    await call('POST', '/v1/messages', { channel: 'data', to: leader.name, payload: 'five' })
    const before = [asked('/v1/locks'), asked('/v1/services')]
    await page.getByRole('tab', { name: 'Channels' }).click()
    await cluster.until('the panel says of channels what the API says', async () => {
      const { channels } = await said<ChannelsView>('/v1/channels')
      const { sent, unacknowledged, queue } = channels.find(({ channel }) => channel === 'data')!
      const text = await page.locator('[data-channel=data]').innerText()
      const facts = [
        `${sent.messages} message${sent.messages === 1 ? '' : 's'}, ${sent.bytes} B`,
        String(unacknowledged),
      ]
      return (
        sent.messages > 0 &&
        (await page.locator('[data-channel]').count()) === channels.length &&
        [...facts, `${queue.messages} messages, ${queue.bytes} B`, '/s out'].every((fact) => text.includes(fact))
      )
    })
    const looks = asked('/v1/channels')
    await cluster.until('it has looked often', () => Promise.resolve(asked('/v1/channels') > looks + 3))
    await keepBoth(page, 'panel-channels')
    assert.deepEqual([asked('/v1/locks'), asked('/v1/services')], before, 'panels that are closed ask no more')
    assert.deepEqual(errors, [])
    assert.deepEqual(
      [...new Set(requests.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin))],
      [node.admin],
    )
    await page.context().close()
  })

  it('are opened by keyboard, and say why they have no answer', async () => {
    const admin = await startAdmin(fakeCluster(3), { address: '127.0.0.1:0' })
    const { page } = await openPage(browser, `${admin.url}/`)
    await atRest(page)
    await page.getByRole('tab', { name: 'Members' }).focus()
    await page.keyboard.press('ArrowLeft')
    await page.locator('#tab-services:focus').waitFor()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByRole('tabpanel', { name: 'Channels' }).waitFor()
    await page.locator('[data-channel]').nth(3).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByRole('tabpanel', { name: 'Locks' }).locator('.problem', { hasText: 'ERR_INTERNAL' }).waitFor()
    await page.context().close()
    await admin.close()
  })
})
