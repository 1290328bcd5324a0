// A visit to a member of another cluster. Between two clusters there are no links: each refuses the other's members. A
// visitor comes as a newcomer that is in no cluster yet, proves the secret, asks what it has to ask, and goes.

import type { Payload } from '../channels/payload.ts'
import { type RequestOptions, Requests } from '../channels/requests.ts'
import type { NodeContext } from '../node-part.ts'
import { helloOf } from '../self.ts'
import { establishLink } from '../wire/link-handshake.ts'
import { Keyring } from '../wire/secrets.ts'

/** Who is visited, and a way to ask it. */
export interface Host {
  readonly id: string
  ask(subject: string, payload: Payload, options: RequestOptions): Promise<Payload>
}

/**
 * Rejects as a join does: `ERR_WRONG_SECRET`, `ERR_FOREIGN_CLUSTER` (another name), `ERR_HANDSHAKE_FAILED`,
 * `ERR_UNREACHABLE`, …
 */
export async function visit<Value>(
  context: NodeContext,
  address: string,
  signal: AbortSignal,
  work: (host: Host) => Promise<Value>,
): Promise<Value> {
  const { self, transport, options, toolbox } = context
  const { clock, counters } = toolbox
  const connection = await transport.dial(address, signal)
  const visitor = { clock, keyring: new Keyring(options.secrets), self: helloOf(self, undefined, undefined) }
  const link = await establishLink(connection, visitor, signal)
  const { id } = link.peer
  const requests = new Requests({
    clock,
    self: self.id,
    generation: self.generation,
    nameOf: () => link.peer.name,
    count: (reason) => counters.add(reason),
    send: (envelope) => {
      link.send({ type: 'envelope', envelope })
      return true
    },
  })
  link.start({
    message: (message) => {
      if (message.type === 'envelope') requests.receive(id, message.envelope)
    },
    drain: () => {},
    close: () => requests.lost(id),
  })
  try {
    return await work({ id, ask: (subject, payload, asking) => requests.request(id, subject, payload, asking) })
  } finally {
    requests.close()
    await link.goodbye('idle')
  }
}
