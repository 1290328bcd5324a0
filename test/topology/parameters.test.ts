import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { adviserDefaults, hyParViewDefaults, plumtreeDefaults } from '../../topology/index.ts'

it('docs/options.md has every parameter of the overlays with its default', () => {
  const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `((?:hyparview|plumtree|adviser)\.\w+)` \| ([\d.,]+) \|/gm)]
  const documented = rows.map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))])
  const defaults = Object.entries({
    hyparview: hyParViewDefaults,
    plumtree: plumtreeDefaults,
    adviser: adviserDefaults,
  })
  const expected = defaults.flatMap(([owner, values]) =>
    Object.entries(values).map(([name, value]) => [`${owner}.${name}`, value]),
  )
  assert.deepEqual(documented, expected)
})
