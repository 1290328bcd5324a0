// Records of members for tests: what is not said is as of a healthy member in its first life.

import type { MemberRecord } from '../../../topology/index.ts'

export function recordOf(
  id: string,
  changes: Partial<MemberRecord> & { generation?: number; refutation?: number } = {},
): MemberRecord {
  const { generation = 1, refutation = 0, ...rest } = changes
  return {
    id,
    name: `node-${id}`,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation, refutation },
    state: 'alive',
    condition: 'ok',
    ...rest,
  }
}
