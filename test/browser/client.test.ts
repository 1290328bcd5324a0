import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { createNode } from '../../src/node.ts'
import type { TrellisNode } from '../../src/node-interface.ts'
import { until } from '../src/cli/wait-until.ts'
import { openWire } from '../src/client/wire.ts'
import { noBrowser, openBrowser, openPage } from './browser.ts'

const token = 'a-token-of-the-test'

/** As web pages get it: nothing of Node in it, or this fails. */
async function clientForPages(): Promise<string> {
  const entry = resolve(import.meta.dirname, '../../src/client/client.ts')
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  assert.ok(Object.keys(metafile.inputs).every((path) => !path.includes('node_modules')))
  return outputFiles[0]!.text
}

it('the client for pages is small, and has nothing of Node in it', async () => {
  const text = await clientForPages()
  assert.ok(text.length < 60_000, `${text.length} characters`)
  assert.doesNotMatch(text, /['"]node:|\brequire\(|\bBuffer\b|\bprocess\./)
})

describe('a client in a web page', { skip: noBrowser }, () => {
  let browser: Browser
  let pages: Server
  let node: TrellisNode
  let origin: string

  before(async () => {
    const client = await clientForPages()
    pages = createServer(({ url }, response) => {
      const isScript = url === '/client.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(
        isScript
          ? client
          : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/client.js"></script>',
      )
    })
    await new Promise<void>((done) => pages.listen(0, '127.0.0.1', done))
    origin = `http://127.0.0.1:${(pages.address() as { port: number }).port}`
    browser = await openBrowser()
    node = await createNode({
      name: 'a',
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      adminToken: { operate: token },
      clientOrigins: [origin],
    })
  })

  after(async () => {
    await browser?.close()
    pages?.close()
    await node?.stop()
  })

  it('takes part: it hears, publishes, asks, calls, watches, and misses nothing while its connection breaks', async () => {
    const between = await openWire(node.admin!)
    const { page, errors } = await openPage(browser, origin)
    using _asked = node.channel('data').onRequest(({ payload }) => payload)
    using _service = node.services.register('sums', { add: (numbers) => (numbers as number[]).reduce((a, b) => a + b) })
    const published: unknown[] = []
    using _heard = node.channel('events').subscribe('page.*', ({ payload }) => void published.push(payload))
    const answers = await page.evaluate(
      async ([url, token, origin]) => {
        const { connect } = await import(`${origin}/client.js`)
        const client = connect(url, { token })
        const heard: unknown[] = []
        Object.assign(globalThis, { client, heard })
        client.channel('events').subscribe('count', ({ payload }: { payload: unknown }) => void heard.push(payload))
        await client.config.set('page.seen', true)
        return {
          sum: await client.services.call('sums', 'add', [1, 2, 3]),
          echo: [...(await client.channel('data').request('a', new Uint8Array([1, 255])))],
          config: (await client.config.get('page.seen')).value,
          members: (await client.members()).map(({ name }: { name: string }) => name),
          receipt: (await client.channel('events').publish('page.hello', 'from the page')).reached,
        }
      },
      [between.url, token, origin],
    )
    assert.deepEqual(answers, { sum: 6, echo: [1, 255], config: true, members: ['a'], receipt: 1 })
    assert.deepEqual(published, ['from the page'])
    const total = 2_000
    for (let number = 0; number < total; number++) {
      await node.channel('events').publish('count', number, { key: 'one' })
      if (number === 500 || number === 1_200) between.cut()
    }
    const heard = () => page.evaluate(() => Reflect.get(globalThis, 'heard') as unknown[])
    await until(async () => (await heard()).length >= total)
    assert.deepEqual(
      await heard(),
      Array.from({ length: total }, (_, number) => number),
    )
    await page.evaluate(() => (Reflect.get(globalThis, 'client') as { close(): Promise<void> }).close())
    assert.deepEqual(
      errors.filter((text) => !text.includes('WebSocket')),
      [],
    )
    between.close()
  })

  it('is kept out from a page that is not allowed', async () => {
    const { page } = await openPage(browser, origin.replace('127.0.0.1', 'localhost'))
    const refused = await page.evaluate(
      async ([url, token, origin]) => {
        const { connect } = await import(`${origin}/client.js`)
        const client = connect(url, { token, timeoutMs: 700 })
        const outcome = await client.ready().then(
          () => 'connected',
          (error: { code: string }) => error.code,
        )
        await client.close()
        return outcome
      },
      [node.admin!, token, origin.replace('127.0.0.1', 'localhost')],
    )
    assert.equal(refused, 'ERR_TIMEOUT')
  })
})
