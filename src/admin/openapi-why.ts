// `GET /v1/members/:name/why`, described, and what it answers.

import type { Operation } from './openapi-paths.ts'
import { json, object, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const orNull = (type: 'string' | 'integer'): Schema => ({ type: [type, 'null'] })
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
const list = (items: Schema): Schema => ({ type: 'array', items })
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

const states = ['alive', 'suspect', 'down', 'left']
const state = oneOf(...states)
const orNone = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] })

const entry = (type: string, properties: Readonly<Record<string, Schema>>): Schema =>
  object({
    type: { const: type },
    observer: described(text, 'Whose entry it is.'),
    sequence: described(whole, 'Of two of one observer the larger is the later.'),
    at: described(whole, "The observer's clock, milliseconds since the epoch."),
    incarnation: whole,
    ...properties,
  })

/** Shapes that only this call has. */
export const whySchemas: Readonly<Record<string, Schema>> = {
  Accuser: object({ by: text, kind: oneOf('silent', 'refused'), agoMs: whole }),
  Evidence: {
    oneOf: [
      entry('verdict', {
        state,
        condition: ref('Condition'),
        previous: orNone(object({ state, condition: ref('Condition') })),
        reason: oneOf('left', 'down', 'joined', 'restarted', 'suspect', 'condition', 'refuted', 'updated'),
        accusers: list(ref('Accuser')),
        loopDelayMs: described(whole, "How late the observer's own event loop was."),
        term: whole,
        leader: orNull('string'),
      }),
      entry('link', { state: oneOf('up', 'down'), reason: orNull('string') }),
      entry('absence', { ms: whole, suspendedMs: whole }),
      entry('leader', { term: whole, isLeader: { type: 'boolean' } }),
    ],
  },
  Belief: object({
    name: text,
    state: orNone(state),
    condition: orNone(ref('Condition')),
    incarnation: orNull('integer'),
    log: object({
      role: oneOf('leader', 'candidate', 'pre-candidate', 'follower', 'learner', 'none'),
      term: whole,
      commitIndex: whole,
    }),
    suspicion: orNone(
      object({
        forMs: whole,
        remainingMs: described(orNull('integer'), 'Null: the verdict stands.'),
        accusers: list(ref('Accuser')),
      }),
    ),
  }),
  Why: object({
    member: ref('Member'),
    beliefs: described(list(ref('Belief')), 'What each member that answered believes now.'),
    unanswered: list(object({ name: text, problem: text })),
    notAsked: whole,
    evidence: described(list(ref('Evidence')), 'In causal order.'),
  }),
}

export const whyOperations: Readonly<Record<string, { readonly GET: Operation }>> = {
  '/v1/members/{name}/why': {
    GET: {
      operationId: 'getWhy',
      summary: 'What the members believe of one of them, and on what evidence.',
      tag: 'cluster',
      answers: { 200: json('The evidence of all that answered.', 'Why') },
      errors: { 404: ['ERR_UNKNOWN_MEMBER'] },
    },
  },
}
