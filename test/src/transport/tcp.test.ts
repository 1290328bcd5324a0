import { type TransportHarness, testTransport } from '../../../src/testing/compliance/transport.ts'
import { FaultyTransport, NetworkFaults } from '../../../src/transport/faulty.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import { rawPeers } from './raw-peers.ts'

const harness: TransportHarness = {
  listenAddress: '127.0.0.1:0',
  create: (limits) => new TcpTransport({ identity: createIdentity(), ...limits }),
  ...rawPeers,
}

testTransport('tcp', { create: () => harness })

testTransport('tcp behind a faulty transport without faults', {
  create: () => ({ ...harness, create: (limits) => new FaultyTransport(harness.create(limits), new NetworkFaults()) }),
})
