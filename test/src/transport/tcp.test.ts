import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { type TransportHarness, testTransport } from '../../../src/testing/compliance/transport.ts'
import { FaultyTransport, NetworkFaults } from '../../../src/transport/faulty.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'

const harness: TransportHarness = {
  listenAddress: '127.0.0.1:0',
  create: (limits) => new TcpTransport({ identity: createIdentity(), ...limits }),
  stranger: async (address, bytes) => {
    const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
    socket.on('error', () => undefined)
    socket.write(bytes)
    await once(socket, 'close')
  },
  mute: async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sockets = new Set<{ destroy(): void }>()
    server.on('connection', (socket) => sockets.add(socket))
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, 'close')
      },
    }
  },
}

testTransport('tcp', { create: () => harness })

testTransport('tcp behind a faulty transport without faults', {
  create: () => ({ ...harness, create: (limits) => new FaultyTransport(harness.create(limits), new NetworkFaults()) }),
})
