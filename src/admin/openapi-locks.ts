// The calls of `/v1/locks`, described, and what they answer.

import type { Operation } from './openapi-paths.ts'
import { type AdminErrorCode, json, object, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })
const list = (items: Schema): Schema => ({ type: 'array', items })

/** Shapes that only these calls have. */
export const lockSchemas: Readonly<Record<string, Schema>> = {
  Claim: object({
    kind: { type: 'string', enum: ['lock', 'semaphore', 'election', 'barrier', 'singleton'] },
    name: text,
    limit: described(whole, 'How many may hold; of a barrier, how many have to come.'),
    holders: list(object({ owner: text, token: whole, leaseMs: whole })),
    waiting: described(list(text), 'Their owners, in their order.'),
  }),
  Claims: object({ locks: list(ref('Claim')) }),
  LockRequest: object({ leaseMs: whole, waitMs: described(whole, 'Default 0: do not wait.'), owner: text }, ['waitMs']),
  LockGrant: object({
    token: described(whole, 'Larger than that of every holder before.'),
    expiresInMs: described(whole, 'Nobody else holds it for so long.'),
  }),
  LockRelease: object({ name: text, token: whole }),
}

const unled: readonly AdminErrorCode[] = ['ERR_NO_QUORUM', 'ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN']
const refusals = { 400: ['ERR_BAD_REQUEST'], 503: unled, 504: ['ERR_TIMEOUT'] } as const
const body = { 413: ['ERR_PAYLOAD_TOO_LARGE'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] } as const

export const lockOperations: Readonly<
  Record<string, Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Operation>>>>
> = {
  '/v1/locks': {
    GET: {
      operationId: 'listLocks',
      summary: 'Whatever anybody in the cluster holds or waits for.',
      tag: 'config',
      answers: { 200: json('Holders and queues.', 'Claims') },
      errors: { 503: unled, 504: ['ERR_TIMEOUT'] },
    },
  },
  '/v1/locks/{name}': {
    POST: {
      operationId: 'acquireLock',
      summary: 'Acquires a lock, first come, first served. It ends by itself.',
      tag: 'config',
      body: ref('LockRequest'),
      answers: { 200: json('It is held.', 'LockGrant') },
      errors: { ...refusals, ...body, 409: ['ERR_LOCK_HELD'], 503: [...unled, 'ERR_LEASE_LOST'] },
    },
    PUT: {
      operationId: 'renewLock',
      summary: 'Begins the lease of a lock anew.',
      tag: 'config',
      query: { token: whole },
      answers: { 200: json('It is held on.', 'LockGrant') },
      errors: { ...refusals, 409: ['ERR_STALE_TOKEN'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] },
    },
    DELETE: {
      operationId: 'releaseLock',
      summary: 'Gives a lock back.',
      tag: 'config',
      query: { token: whole },
      answers: { 200: json('It is free, or the next one holds it.', 'LockRelease') },
      errors: { ...refusals, 409: ['ERR_STALE_TOKEN'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] },
    },
  },
}
