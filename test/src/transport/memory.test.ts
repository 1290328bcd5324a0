import { testTransport } from '../../../src/testing/compliance/transport.ts'
import { FaultyTransport, NetworkFaults } from '../../../src/transport/faulty.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'

const inapplicable = {
  'closes a connection that sends too much before it proves an identity': 'in memory nobody is without an identity',
  'rejects a dial that is silent past the handshake time': 'in memory somebody answers or nobody is there',
}

for (const isFaulty of [false, true]) {
  testTransport(isFaulty ? 'memory behind a faulty transport without faults' : 'memory', {
    inapplicable,
    create: () => {
      const network = new MemoryNetwork({ highWaterMark: 64 * 1024 })
      let transports = 0
      return {
        listenAddress: '127.0.0.1:0',
        create: (limits) => {
          transports += 1
          const transport = network.transport(`memory-${transports}`, limits)
          return isFaulty ? new FaultyTransport(transport, new NetworkFaults()) : transport
        },
      }
    },
  })
}
