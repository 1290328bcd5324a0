// The page's program and style, as `npm run build` bundles them (scripts/build-dashboard.ts): from beside this file
// when it runs compiled, from `dist/` when it runs from source. Their addresses carry their hash, so a browser may keep
// them for ever.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Asset {
  /** `/assets/dashboard-1a2b3c4d5e6f.js`. */
  readonly path: string
  readonly type: string
  readonly body: string
}

export interface Assets {
  readonly script: Asset
  readonly style: Asset
}

const folders = ['./assets/', '../../../dist/src/admin/dashboard/assets/']
let loaded: Assets | undefined

/** Reads them once. Undefined: they have not been built, which a package always is. */
export function loadAssets(): Assets | undefined {
  loaded ??= readAssets()
  return loaded
}

function readAssets(): Assets | undefined {
  const found = folders
    .map((folder) => new URL(folder, import.meta.url))
    .find((url) => existsSync(new URL('main.js', url)))
  if (found === undefined) return undefined
  const asset = (name: string, extension: string, type: string): Asset => {
    const body = readFileSync(fileURLToPath(new URL(name, found)), 'utf8')
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
    return { path: `/assets/dashboard-${hash}.${extension}`, type: `${type}; charset=utf-8`, body }
  }
  return { script: asset('main.js', 'js', 'text/javascript'), style: asset('main.css', 'css', 'text/css') }
}
