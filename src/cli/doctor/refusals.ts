// Why there would be no link with an address, told apart by code, and what to do about each.

import { ClusterError } from '../../errors.ts'
import type { Reachability } from '../../transport/transport.ts'
import { printable } from '../output.ts'
import type { Finding } from './finding.ts'

const advices: Readonly<Record<string, string>> = {
  refuses: 'nothing listens there: start that node, or correct --join',
  silent: 'no answer in time: is the machine up, does a firewall drop packets, is the name right?',
  'no-identity': 'something else lives there: correct --join (an admin port, perhaps?)',
  closed: 'it closed the connection: is it a node of this release, and not crowded?',
  'going-down': 'that node is stopping: try again, or another one',
  ERR_WRONG_SECRET: 'give both nodes the same secret, or let the keyring of one hold both',
  ERR_VERSION_MISMATCH: 'run releases that speak a common version on both sides (docs/wire-format.md)',
  ERR_FOREIGN_CLUSTER: 'give the same --cluster, or join another address',
  ERR_ABORTED: 'the handshake took too long: is that node overloaded or stopped?',
}

const whatElse = 'look into the log of that node'

/** What a knock showed, or what a dial or a handshake failed with. */
export function explain(address: string, why: Reachability | unknown): Finding {
  if (typeof why === 'string') return problem(`${address} ${why === 'refuses' ? 'refuses' : 'is silent'}`, advices[why])
  if (!(why instanceof ClusterError)) throw why
  const { code, message } = why
  const { reason = code } = why.details as { readonly reason?: string }
  return problem(printable(`${address}: ${message}`), advices[reason], code)
}

function problem(text: string, advice = whatElse, code = 'ERR_HANDSHAKE_FAILED'): Finding {
  return { check: 'join', level: 'problem', code, text, advice }
}
