// A process that opens everything a transport can open, closes it, and then has nothing left to live for.

import { once } from 'node:events'
import { connect } from 'node:net'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import type { Connection } from '../../../src/transport/transport.ts'

const [listening, dialing] = [createIdentity(), createIdentity()].map((identity) => new TcpTransport({ identity }))
if (listening === undefined || dialing === undefined) throw new Error('no transports')
const arrived: Connection[] = []
const address = await listening.listen('127.0.0.1:0', (connection) => arrived.push(connection))
const dialed = await dialing.dial(address, AbortSignal.timeout(30_000))
dialed.start({ data: () => undefined, drain: () => undefined, close: () => undefined })
dialed.write(new Uint8Array(100_000))
// One half open that never speaks, one dial and one knock under way.
const mute = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
await once(mute, 'connect')
const pending = [
  dialing.dial(address, AbortSignal.timeout(60_000)),
  dialing.reach(address, AbortSignal.timeout(60_000)),
].map((promise) => Promise.resolve(promise).catch(() => undefined))
await Promise.all([listening.close(), dialing.close()])
await Promise.all(pending)
mute.destroy()
process.once('beforeExit', () => process.stdout.write(JSON.stringify(process.getActiveResourcesInfo())))
