// Records of members for tests: what is not said is as of a healthy member in its first life.

import type { MemberRecord, Signatures } from '../../../topology/index.ts'

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

/** Signatures as a model has them: nobody makes one of another, for nobody calls its `sign`. */
export const modelSigning: Signatures = {
  sign: (own) => `signed: ${ownPart(own)}`,
  holds: (record) => record.signature === `signed: ${ownPart(record)}`,
}

/** As the member itself tells it. */
export function signedRecordOf(...said: Parameters<typeof recordOf>): MemberRecord {
  const record = recordOf(...said)
  return { ...record, signature: modelSigning.sign(record) }
}

function ownPart({ id, name, address, incarnation, state }: MemberRecord): string {
  return JSON.stringify([id, name, address, incarnation.generation, incarnation.refutation, state === 'left'])
}
