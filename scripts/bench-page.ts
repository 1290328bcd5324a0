// How many messages a second a client in a web page gets: Debian's Chromium, a node in this process, the client as
// pages load it. Prints the smallest, the middle and the largest of some windows.
//
//   npm run bench:page

import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { createNode } from '../src/node.ts'

const executablePath = '/usr/bin/chromium'
const windows = 5
const windowMs = 2_000
const payload = { text: 'x'.repeat(256) }

const { outputFiles } = await build({
  entryPoints: [resolve(import.meta.dirname, '../src/client/client.ts')],
  bundle: true,
  platform: 'browser',
  format: 'esm',
  write: false,
})
const script = outputFiles[0]!.text
const pages = createServer(({ url }, response) => {
  const isScript = url === '/client.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
  response.end(isScript ? script : '<!doctype html>')
})
await new Promise<void>((done) => pages.listen(0, '127.0.0.1', done))
const origin = `http://127.0.0.1:${(pages.address() as { readonly port: number }).port}`
await using node = await createNode({
  name: 'a',
  listen: '127.0.0.1:0',
  admin: '127.0.0.1:0',
  clientOrigins: [origin],
})
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
await page.goto(origin)
await page.evaluate(
  async ([url, origin]) => {
    const { connect } = await import(`${origin}/client.js`)
    const client = connect(url)
    Object.assign(globalThis, { heard: 0 })
    client
      .channel('gossip')
      .subscribe('rate', () => Reflect.set(globalThis, 'heard', Reflect.get(globalThis, 'heard') + 1))
    await client.members()
  },
  [node.admin!, origin],
)
const heard = (): Promise<number> => page.evaluate(() => Reflect.get(globalThis, 'heard') as number)
const rates: number[] = []
for (let count = 0; count < windows; count++) {
  const [before, from] = [await heard(), performance.now()]
  let sent = 0
  while (performance.now() - from < windowMs) {
    sent += 64
    await Promise.all(Array.from({ length: 64 }, () => node.channel('gossip').publish('rate', payload)))
  }
  while ((await heard()) - before < sent) await page.waitForTimeout(10)
  rates.push(sent / ((performance.now() - from) / 1_000))
}
await browser.close()
pages.close()
const [least, middle, most] = [0, Math.floor(windows / 2), windows - 1].map((at) =>
  Math.round(rates.sort((one, other) => one - other)[at]!),
)
console.log(`messages of 256 B into a page, a second: ${least} / ${middle} / ${most} (goal 10000)`)
