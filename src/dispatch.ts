// Which part of a node takes which message. What comes before a part exists, or has no business on an established link,
// is dropped and counted: the protocols repeat what matters.

import type { Relay } from './channels/relay.ts'
import type { Requests } from './channels/requests.ts'
import type { Coordination } from './coordination/coordination.ts'
import type { Holds } from './links/holds.ts'
import type { Formation } from './membership/formation.ts'
import type { Membership } from './membership/membership.ts'
import type { Overlays } from './membership/overlays.ts'
import { isSwim, swimMessageIn } from './membership/swim-envelope.ts'
import type { NodeParts } from './node-part.ts'
import type { Counters } from './runtime/counters.ts'
import type { Envelope } from './wire/envelope.ts'
import type { Link } from './wire/link.ts'
import type { WireMessage } from './wire/message.ts'

/** What there is of a node at a moment: it grows from stage to stage. */
export interface Parts {
  readonly requests: Requests
  readonly relay: Relay
  readonly holds: Holds
  readonly overlays: Overlays
  readonly features: Pick<NodeParts, 'receive' | 'linkUp' | 'linkDown' | 'away' | 'loopDelay' | 'unanswered'>
  coordination: Coordination | undefined
  membership: Membership | undefined
  formation: Formation | undefined
}

export function dispatch(parts: Parts, counters: Counters, link: Link, message: WireMessage): void {
  const { id } = link.peer
  switch (message.type) {
    case 'swim':
      if (parts.membership) parts.membership.receive(id, message.message)
      else counters.add('swim-early')
      break
    case 'raft':
      if (parts.coordination) parts.coordination.receiveRaft(link, message.message)
      else counters.add('raft-early')
      break
    case 'record':
      parts.coordination?.receiveRecord(message.record, id)
      break
    case 'envelope':
      parts.relay.receive(id, message.envelope)
      break
    case 'hold':
      parts.holds.hear(id, message.kind)
      break
    case 'overlay':
      parts.overlays.receive(id, message)
      break
    case 'contacts':
      parts.formation?.introduced(message.contacts)
      break
    case 'forming':
      parts.formation?.receive(id, message.message)
      break
    default:
      if (!parts.features.receive(link, message)) counters.add(`link-unexpected-${message.type}`)
  }
}

/** An envelope for this node, whichever way it came. */
export function deliver(parts: Parts, counters: Counters, envelope: Envelope): void {
  if (!isSwim(envelope)) {
    parts.requests.receive(envelope.source, envelope)
    return
  }
  const message = swimMessageIn(envelope)
  if (message && parts.membership) parts.membership.receive(envelope.source, message)
  else counters.add(message ? 'swim-early' : 'swim-malformed')
}
