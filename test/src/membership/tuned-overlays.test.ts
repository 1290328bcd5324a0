import assert from 'node:assert/strict'
import { it } from 'node:test'
import { tunedOverlays } from '../../../src/membership/tuned-overlays.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { fullMesh, hyParView, type OverlayDefinition } from '../../../topology/index.ts'
import { recordOf } from '../../topology/swim/records.ts'
import { form } from '../local-nodes.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f']

it('members hold as few links as overlayOptions say', async () => {
  const overlayOptions = { hyparview: { activeSize: 2, drainMs: 0 } }
  const nodes = await form(names, () => ({ topology: 'hyparview', voters: 1, overlayOptions }))
  const linksOf = ({ topology }: (typeof nodes)[number]) =>
    topology.view().links.filter(({ kind }) => kind === 'overlay')
  await waitUntil(() => nodes.every((node) => linksOf(node).length >= 1 && linksOf(node).length <= 2))
})

it('a tuned overlay is made and reckoned with its parameters, the others as they are', () => {
  const definitions = [fullMesh, hyParView] as unknown as OverlayDefinition<unknown>[]
  const [mesh, sparse] = tunedOverlays(definitions, { hyparview: { activeSize: 2 } })
  assert.equal(mesh, fullMesh)
  const members = names.map((name) => recordOf(name))
  assert.deepEqual(sparse?.estimate(members, {}, []), hyParView.estimate(members, { activeSize: 2 }, []))
  assert.equal(sparse?.create({ self: 'a', random: () => 0.5, parameters: {} }).capacity, 2)
})
