import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { thisMachine } from '../../src/node-world.ts'
import { resolveOptions } from '../../src/options.ts'
import { RunningNode } from '../../src/running-node.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { helloOf, type Self } from '../../src/self.ts'
import { MemoryDirectory } from '../../src/storage/memory-directory.ts'
import { turns } from '../../src/testing/compliance/wait-until.ts'
import { loadIdentity } from '../../src/transport/identity.ts'
import { MemoryNetwork } from '../../src/transport/memory.ts'
import type { Connection } from '../../src/transport/transport.ts'
import type { Hello } from '../../src/wire/hello.ts'
import { establishLink } from '../../src/wire/link-handshake.ts'
import { Keyring } from '../../src/wire/secrets.ts'

const identify = (privateKeyPem: string): string => loadIdentity(privateKeyPem).id

const options = resolveOptions({ expect: 1 })
const selfOf = (id: string, storeId: string): Self => ({
  id,
  name: `name-${id.slice(-4)}`,
  cluster: options.cluster,
  generation: 1,
  instance: randomBytes(8),
  storeId,
  address: '',
  roles: [],
  zone: '',
})

/** A node whose disk answers the question for its cluster only when it is told to. */
async function slowNode(network: MemoryNetwork) {
  const storage = await MemoryDirectory.open({ cluster: 'trellis', identify })
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  const readCluster = storage.readCluster.bind(storage)
  storage.readCluster = () => mayAnswer.then(readCluster)
  const transport = network.transport(storage.id)
  const early: Connection[] = []
  let node: RunningNode | undefined
  const address = await transport.listen('slow.test:1', (connection) => {
    if (node) node.accept(connection)
    else early.push(connection)
  })
  const self = { ...selfOf(storage.id, await storage.storeId()), address }
  node = new RunningNode({ options, self, storage, transport, world: thisMachine })
  return { node, answer, address }
}

describe('a node that starts', () => {
  it('greets nobody before its disk has said which cluster it is in', async () => {
    const network = new MemoryNetwork()
    const { node, answer, address } = await slowNode(network)
    const peer = network.transport('peer')
    try {
      const started = node.start()
      const connection = await peer.dial(address, AbortSignal.timeout(30_000))
      let greeted: Hello | undefined
      const greeting = establishLink(connection, {
        clock: systemClock,
        keyring: new Keyring(options.secrets),
        self: helloOf({ ...selfOf('peer', 'store of peer'), address: 'peer.test:1' }, undefined, undefined),
        admit: (hello) => {
          greeted = hello
          return undefined
        },
      })
      await turns(50)
      assert.equal(greeted, undefined)
      answer()
      await started
      const link = await greeting
      assert.equal(link.peer.id, node.id)
    } finally {
      answer()
      await node.stop()
      await peer.close()
    }
  })
})
