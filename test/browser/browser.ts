// Debian's Chromium for tests, without a window. Every page notes what it asked for and what went wrong in it, keeps to
// one origin, and leaves its screenshots in one folder for the reader.

import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'

/** Why there is no browser to test with; false when there is. */
export const noBrowser: string | false = existsSync(executablePath) ? false : `there is no ${executablePath}`

/** Where screenshots go: TRELLIS_ARTIFACTS, or a folder of this machine for temporary files. */
export const screenshots = join(process.env.TRELLIS_ARTIFACTS ?? join(tmpdir(), 'trellis-artifacts'), 'dashboard')

export interface OpenPage {
  readonly page: Page
  /** Addresses of all requests. */
  readonly requests: readonly string[]
  /** Errors of the page's program and of its policy. */
  readonly errors: readonly string[]
}

export function openBrowser(): Promise<Browser> {
  mkdirSync(screenshots, { recursive: true })
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
}

/**
 * A page that stands still at once, as its reader asked: one that breathes is drawn anew all the time, by a processor
 * where there is nothing better.
 */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 1000 },
    reducedMotion: 'reduce',
    ...options,
  })
  const page = await context.newPage()
  const requests: string[] = []
  const errors: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  await page.goto(url)
  return { page, requests, errors }
}

/** Waits until nothing moves any more, and keeps a picture. */
export async function keep(page: Page, name: string): Promise<void> {
  await atRest(page)
  // Colours that are on their way from light to dark are neither.
  await page.evaluate('document.getAnimations().forEach((each) => each instanceof CSSTransition && each.finish())')
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: false })
}

export async function atRest(page: Page): Promise<void> {
  await page.locator('.stage[data-moving=false]').waitFor()
  if ((await page.locator('canvas').count()) > 0) await page.locator('canvas[data-mesh=drawn]').waitFor()
}
