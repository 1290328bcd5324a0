// Clusters of this process whose first members are gateways.

import assert from 'node:assert/strict'
import type { FederationOptions, NodeOptions, TrellisNode } from '../../../src/index.ts'
import { form } from '../local-nodes.ts'

export const secret = 'a secret of gateways alone'

export async function cluster(
  name: string,
  members: readonly string[],
  gateways: Readonly<Record<string, Partial<FederationOptions>>>,
) {
  const options = (member: string): NodeOptions => {
    const federation = gateways[member]
    return { cluster: name, zone: `zone-of-${name}`, ...(federation ? { federation: { secret, ...federation } } : {}) }
  }
  return form(members, options)
}

export const addressOf = (node: TrellisNode): string => node.federation().address ?? assert.fail('no gateway')
