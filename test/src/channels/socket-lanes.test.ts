import { FaultyTransport, NetworkFaults } from '../../../src/transport/faulty.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { encrypters } from '../../../src/transport/libp2p/libp2p-node.ts'
import { Libp2pTransport } from '../../../src/transport/libp2p/libp2p-transport.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import { inTurn, isWhole } from '../../multinode/story/turn.ts'
import { testLanes } from './lanes-suite.ts'

testLanes('tcp', () => [
  new TcpTransport({ identity: createIdentity() }),
  new TcpTransport({ identity: createIdentity() }),
])

for (const encrypter of isWhole ? encrypters : inTurn(encrypters, encrypters.length))
  testLanes(`libp2p with ${encrypter}`, () => [
    new Libp2pTransport({ identity: createIdentity(), encrypter }),
    new Libp2pTransport({ identity: createIdentity(), encrypter }),
  ])

testLanes('memory', () => {
  const network = new MemoryNetwork()
  return [network.transport('a'), network.transport('b')]
})

testLanes(
  'faulty tcp',
  () => {
    const faults = new NetworkFaults()
    faults.setDelay(3)
    const tcp = () => new FaultyTransport(new TcpTransport({ identity: createIdentity() }), faults)
    return [tcp(), tcp()]
  },
  true,
)
