// Whoever stands at the other end of a transport under test without being one: a program that sends bytes of its own,
// and a port that accepts and says nothing.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { TransportHarness } from '../../../src/testing/compliance/transport.ts'

export const rawPeers: Pick<TransportHarness, 'stranger' | 'mute'> = {
  stranger: async (address, bytes) => {
    const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
    socket.on('error', () => undefined)
    socket.write(bytes)
    // Not `once` of node:events: that would reject when the socket fails first.
    await new Promise((resolve) => socket.once('close', resolve))
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
