import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Advising } from '../../../src/switching/advising.ts'
import { clientServer, fullMesh } from '../../../topology/index.ts'
import { recordOf } from '../../topology/swim/records.ts'
import { form } from '../local-nodes.ts'

it('a node advises by its members, and by their roles', async () => {
  const [one] = await form(['a', 'b'])
  const advice = one?.topology.advise()
  assert.deepEqual([advice?.current, advice?.recommended, advice?.rule], ['full-mesh', 'full-mesh', 'small'])
  assert.equal(advice?.figures.members, 2)
})

it('advice is by whoever is there, leaves out what they cannot form, and knows the last switch', () => {
  const members = [
    recordOf('a'),
    recordOf('b', { roles: ['client'] }),
    recordOf('c', { roles: ['client'], state: 'down' }),
  ]
  const definitions = new Map([fullMesh, clientServer].map((definition) => [definition.name, definition]))
  const advising = new Advising({
    context: {
      members: () => members,
      overlays: () => ({ members, definitions }),
      toolbox: { clock: { wall: () => 1_000_000 } },
    } as never,
    topology: () => ({ name: 'client-server', lastSwitchAt: 900_000 }),
    traffic: () => ({ messages: 0, recipients: 0 }),
  })
  const { recommended, figures, coolDownLeftMs, isDue } = advising.advise()
  assert.deepEqual([recommended, figures.members, figures.clients], ['full-mesh', 2, 1])
  assert.deepEqual([coolDownLeftMs, isDue], [500_000, false])
})
