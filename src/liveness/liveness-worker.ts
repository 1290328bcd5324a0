// The thread that says that its process lives while the main thread may be blocked (design rule 6). It owns a UDP
// socket on the number of the listen port and answers authenticated questions meant for this member; it does nothing
// else: no Raft, no refutation, no work, no log. It imports next to nothing, for it is a second heap in each process.

import { createSocket } from 'node:dgram'
import { parentPort, workerData } from 'node:worker_threads'
import { decodeQuestion, encodeAnswer } from './datagram.ts'
import { Pulse } from './pulse.ts'

/** What the main thread hands over at the start. */
export interface WorkerSettings {
  readonly id: string
  readonly generation: number
  readonly host: string
  readonly port: number
  readonly keys: readonly Uint8Array[]
  readonly pulse: SharedArrayBuffer
}

/** From then on: who is not answered, because requested faults cut it off. */
export interface WorkerOrder {
  readonly cutOff: readonly string[]
}

if (parentPort) {
  const { id, generation, host, port, keys, pulse } = workerData as WorkerSettings
  const shared = new Pulse(pulse)
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  let cutOff: ReadonlySet<string> = new Set()
  parentPort.on('message', (order: WorkerOrder) => {
    cutOff = new Set(order.cutOff)
  })
  socket.on('message', (bytes, { address, port: theirs }) => {
    const asked = decodeQuestion(bytes, keys)
    if (asked?.question.to !== id || cutOff.has(asked.question.from)) return
    const answer = { ...asked.question, generation, ageMs: shared.ageMs(), condition: shared.condition }
    socket.send(encodeAnswer(answer, asked.key), theirs, address)
  })
  // A port that is taken, a network that is gone: whoever asks gets no answer, which is no evidence.
  socket.on('error', () => socket.close())
  socket.bind({ address: host, port })
}
