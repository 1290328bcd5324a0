// The calls of `/v1/config` and `/v1/watch`, described, and what they answer.

import type { Operation } from './openapi-paths.ts'
import { type AdminErrorCode, json, object, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const anything: Schema = {}
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

const ageMs = described(whole, 'Stale reads: for how long this copy may have missed something.')
const revision = described(whole, 'Of the write that gave it this value.')
const createRevision = described(whole, 'Of the write that made the key.')
const more = described({ const: true }, 'Another change of the same transaction follows.')
const consistency = { type: 'string', enum: ['linearizable', 'stale'] }

/** Shapes that only these calls have. */
export const configSchemas: Readonly<Record<string, Schema>> = {
  ConfigEntry: object({ key: text, value: anything, revision, createRevision, ageMs }, ['ageMs']),
  ConfigList: object(
    {
      entries: { type: 'array', items: ref('ConfigEntry') },
      revision: described(whole, 'Of the last write there was.'),
      ageMs,
      next: described(text, 'There are more: ask again with `after`.'),
    },
    ['ageMs', 'next'],
  ),
  ConfigDeletion: object({ key: text, revision: described(whole, 'Of the deletion.') }),
  ConfigEvent: object(
    { type: { type: 'string', enum: ['set', 'delete'] }, key: text, value: anything, revision, createRevision, more },
    ['value', 'more'],
  ),
  ConfigHistory: object({ key: text, events: { type: 'array', items: ref('ConfigEvent') }, ageMs }, ['ageMs']),
  ConfigValue: object({ value: anything }),
  TransferRequest: object({ to: described({ type: ['string', 'null'] }, 'A voter. Default: with most of the log.') }, [
    'to',
  ]),
  Transfer: object({ from: text, to: text, durationMs: whole }),
  Replica: object({
    member: text,
    role: { type: 'string', enum: ['leader', 'voter', 'learner'] },
    position: described(whole, 'Up to which entry its log is durable; 0: not heard in this term.'),
    lag: described(whole, 'Entries of the leader that it lacks.'),
    isCaughtUp: described({ type: 'boolean' }, 'It answers, and could lead.'),
  }),
  Replication: object({
    term: whole,
    commitIndex: whole,
    level: described(whole, 'Of commands that all of them can apply.'),
    members: { type: 'array', items: ref('Replica') },
  }),
  ConfigRollback: object({ revision: described(whole, 'The key becomes what it was then.') }),
  ConfigTransaction: object(
    {
      if: described({ type: 'array' }, '{ key, revision } or { key, exists }; revision 0: absent.'),
      do: described({ type: 'array' }, '{ set, value }, { delete } or { rollback, revision }.'),
      else: { type: 'array' },
    },
    ['if', 'else'],
  ),
  ConfigTransactionResult: object({
    succeeded: described({ type: 'boolean' }, '`do` was done.'),
    revision: whole,
    results: { type: 'array', items: object({ key: text, revision: whole, existed: { type: 'boolean' } }) },
  }),
}

const unled: readonly AdminErrorCode[] = ['ERR_NO_QUORUM', 'ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN']
const reading = { 503: unled, 504: ['ERR_TIMEOUT'] } as const
const ifMatch = described(text, 'Only if the key has this revision, such as 17 or "17"; 0: only if there is none.')
const ifNoneMatch = described({ const: '*' }, 'Only if there is no such key. Excludes If-Match.')
const preconditions = { 'If-Match': ifMatch, 'If-None-Match': ifNoneMatch }
const body = { 400: ['ERR_BAD_REQUEST'], 413: ['ERR_PAYLOAD_TOO_LARGE'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] } as const
const writing = { ...reading, ...body, 422: ['ERR_INVALID_VALUE'], 507: ['ERR_CONFIG_FULL'] } as const

export const configOperations: Readonly<
  Record<string, Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Operation>>>>
> = {
  '/v1/config': {
    GET: {
      operationId: 'listConfig',
      summary: 'Keys that begin with a prefix, in their order.',
      tag: 'config',
      query: { prefix: text, consistency, limit: whole, after: text },
      answers: { 200: json('The entries, as of one moment.', 'ConfigList') },
      errors: reading,
    },
    POST: {
      operationId: 'transactConfig',
      summary: 'Several keys at once, all or nothing.',
      tag: 'config',
      body: ref('ConfigTransaction'),
      answers: { 200: json('Which branch was done.', 'ConfigTransactionResult') },
      errors: { ...writing, 410: ['ERR_COMPACTED'] },
    },
  },
  '/v1/config/{key}': {
    GET: {
      operationId: 'getConfig',
      summary: 'One key; `consistency=stale` answers in a minority too.',
      tag: 'config',
      query: { consistency },
      answers: { 200: json('The entry.', 'ConfigEntry') },
      errors: { ...reading, 404: ['ERR_KEY_NOT_FOUND'] },
    },
    PUT: {
      operationId: 'setConfig',
      summary: 'Sets a key. `If-Match`: only if it has that revision. `If-None-Match: *`: only if there is none.',
      tag: 'config',
      body: ref('ConfigValue'),
      headers: preconditions,
      answers: { 200: json('The entry.', 'ConfigEntry') },
      errors: { ...writing, 412: ['ERR_REVISION_MISMATCH'] },
    },
    DELETE: {
      operationId: 'deleteConfig',
      summary: 'Deletes a key; with `If-Match` only if it has that revision.',
      tag: 'config',
      headers: preconditions,
      answers: { 200: json('It is gone.', 'ConfigDeletion') },
      errors: { ...writing, 404: ['ERR_KEY_NOT_FOUND'], 412: ['ERR_REVISION_MISMATCH'] },
    },
  },
  '/v1/config/{key}/history': {
    GET: {
      operationId: 'getConfigHistory',
      summary: 'The changes of one key that are kept, oldest first.',
      tag: 'config',
      query: { consistency },
      answers: { 200: json('The changes.', 'ConfigHistory') },
      errors: { ...reading, 404: ['ERR_KEY_NOT_FOUND'] },
    },
  },
  '/v1/config/{key}/rollback': {
    POST: {
      operationId: 'rollbackConfig',
      summary: 'Gives a key back what it was at a revision.',
      tag: 'config',
      body: ref('ConfigRollback'),
      answers: { 200: json('The entry; revision 0 when it was not there then.', 'ConfigEntry') },
      errors: { ...writing, 404: ['ERR_KEY_NOT_FOUND'], 410: ['ERR_COMPACTED'] },
    },
  },
  '/v1/leader': {
    GET: {
      operationId: 'getReplication',
      summary: 'How far everybody who holds the log has it, as the leader knows.',
      tag: 'cluster',
      answers: { 200: json('The leader first.', 'Replication') },
      errors: { 503: [...unled, 'ERR_NOT_LEADER'], 504: ['ERR_TIMEOUT'] },
    },
  },
  '/v1/leader/transfer': {
    POST: {
      operationId: 'transferLeadership',
      summary: 'Another voter leads, S5 goes with it.',
      tag: 'cluster',
      body: ref('TransferRequest'),
      isBodyOptional: true,
      answers: { 200: json('It leads.', 'Transfer') },
      errors: {
        ...body,
        404: ['ERR_UNKNOWN_MEMBER'],
        503: [...unled, 'ERR_MEMBER_DOWN', 'ERR_NOT_LEADER', 'ERR_BUFFER_FULL'],
        504: ['ERR_TIMEOUT'],
      },
    },
  },
  '/v1/backup': {
    GET: {
      operationId: 'getBackup',
      summary: 'All that the cluster has agreed on, as a file for `trellis restore`. Ask a voter.',
      tag: 'config',
      answers: {
        200: { description: 'The file.', type: 'application/octet-stream', schema: { type: 'string' } },
      },
      errors: { ...reading, 400: ['ERR_BAD_REQUEST'], 501: ['ERR_UNSUPPORTED'] },
    },
  },
  '/v1/watch': {
    GET: {
      operationId: 'watchConfig',
      summary:
        'Every change of keys that begin with a prefix, from a revision on (server-sent events; `id` is the revision).',
      tag: 'config',
      query: { prefix: text, from: whole },
      headers: { 'Last-Event-ID': described(whole, 'Goes on after this revision; outweighs `from`.') },
      answers: {
        200: {
          description: 'A stream without an end; `x-event-data` says what `data` is of each `event`.',
          type: 'text/event-stream',
          schema: text,
        },
      },
      errors: { 410: ['ERR_COMPACTED'], 503: unled },
      events: { message: ref('ConfigEvent') },
    },
  },
}
