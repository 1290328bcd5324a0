// `/v1/merge`, described, and what it answers.

import type { Operation } from './openapi-paths.ts'
import { json, object, oneOf, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const names: Schema = { type: 'array', items: text }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

/** Shapes that only this call has. */
export const mergeSchemas: Readonly<Record<string, Schema>> = {
  MergeRequest: object(
    {
      with: described(text, 'The cluster port of any member of the other cluster, as in `join`.'),
      keep: described(
        oneOf('ours', 'theirs'),
        'Which cluster stays. Default: the one with data of users, else the larger one.',
      ),
      dryRun: described({ type: 'boolean' }, 'Answer the plan, change nothing.'),
      timeoutMs: described(whole, 'Give up waiting for those who rejoin. Default 60,000.'),
    },
    ['keep', 'dryRun', 'timeoutMs'],
  ),
  MergingCluster: object({
    id: text,
    members: names,
    alive: whole,
    data: object({ keys: whole, claims: whole, counters: whole, decisions: whole }),
  }),
  MergePlan: object({
    keep: oneOf('ours', 'theirs'),
    stays: ref('MergingCluster'),
    dissolves: ref('MergingCluster'),
    emptyEntries: described(
      whole,
      'The log that stays is made so much longer, so that its tokens are above all of the other.',
    ),
  }),
  MergeReport: object(
    {
      outcome: described(
        oneOf('planned', 'merged', 'moving', 'already-merged'),
        '`moving`: it is decided, and the node asked goes over itself.',
      ),
      plan: ref('MergePlan'),
      rejoined: names,
      waiting: described(names, 'Were alive, and had not rejoined in time.'),
      durationMs: whole,
    },
    ['plan'],
  ),
}

export const mergeOperations: Readonly<Record<string, { readonly POST: Operation }>> = {
  '/v1/merge': {
    POST: {
      operationId: 'mergeClusters',
      summary: 'Makes one cluster of two that formed separately, or says what that would do.',
      tag: 'cluster',
      body: ref('MergeRequest'),
      answers: { 200: json('What was done, or would be.', 'MergeReport') },
      errors: {
        400: ['ERR_BAD_REQUEST'],
        409: ['ERR_MERGE_REFUSED', 'ERR_FOREIGN_CLUSTER', 'ERR_WRONG_SECRET', 'ERR_VERSION_MISMATCH'],
        413: ['ERR_PAYLOAD_TOO_LARGE'],
        415: ['ERR_UNSUPPORTED_MEDIA_TYPE'],
        501: ['ERR_UNSUPPORTED'],
        502: ['ERR_HANDSHAKE_FAILED'],
        503: ['ERR_NO_QUORUM', 'ERR_NOT_LEADER', 'ERR_UPGRADE_PENDING', 'ERR_SHUTTING_DOWN'],
        504: ['ERR_TIMEOUT'],
      },
    },
  },
}
