import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { countedFamilies } from '../../../src/observability/counted.ts'
import { families } from '../../../src/observability/families.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { fakeNode } from '../admin/fake-node.ts'
import { readExposition } from './exposition.ts'

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(trellis_\w+)` \| (.*?) ?\|/gm)].map(
  ([, name, labels]) => [name!, [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!)] as const,
)

it('the page of metrics names every metric of a node, and no other', async () => {
  const own = [...readExposition(await createMetrics(fakeNode()).text()).keys()].filter((name) =>
    name.startsWith('trellis_'),
  )
  assert.deepEqual(rows.map(([name]) => name).sort(), own.sort())
})

it('the page of metrics names their labels', () => {
  const documented = new Map(rows)
  for (const { name, labels } of [...families, ...countedFamilies]) assert.deepEqual(documented.get(name), labels, name)
})
