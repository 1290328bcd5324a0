// The calls of `/v1/services` and `/v1/sd/prometheus`, described, and what they answer.

import type { Operation } from './openapi-paths.ts'
import { json, object, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const words: Schema = { type: 'array', items: text }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

const facts = {
  version: described(text, 'Semantic.'),
  capabilities: words,
  namespace: text,
  zone: text,
  weight: { type: 'number', minimum: 0 },
  metadata: { type: 'object', additionalProperties: text },
  address: described(text, 'host:port for programs that are not members; empty: only calls reach it.'),
  dependsOn: words,
} satisfies Record<string, Schema>

const pace = {
  intervalMs: described({ type: 'number', minimum: 100 }, 'Between two checks; default 5,000.'),
  timeoutMs: described(
    { type: 'number', minimum: 100 },
    'A check without an answer by then has failed; default 2,000.',
  ),
  failures: described({ type: 'integer', minimum: 1 }, 'In a row, until it is critical; default 3.'),
  successes: described({ type: 'integer', minimum: 1 }, 'In a row, until it is passing again; default 2.'),
} satisfies Record<string, Schema>
const health: Schema = {
  description: 'What the node itself asks now and then; what expires (ttlMs) is for programs that are members.',
  oneOf: [
    object({ http: described(text, 'A URL; passes with a status below 400.'), ...pace }, Object.keys(pace)),
    object({ tcp: described(text, 'HOST:PORT; passes when it accepts.'), ...pace }, Object.keys(pace)),
  ],
}

/** Shapes that only these calls have. */
export const serviceSchemas: Readonly<Record<string, Schema>> = {
  ServiceInstance: object({
    id: text,
    name: text,
    ...facts,
    member: described(text, 'The name of its owner.'),
    health: { type: 'string', enum: ['passing', 'degraded', 'critical'] },
    state: { type: 'string', enum: ['alive', 'suspect', 'down', 'left'] },
    condition: { type: 'string', enum: ['ok', 'stalled', 'draining'] },
    cluster: described(text, 'The other cluster that it is in; empty: this one.'),
  }),
  ServiceInstances: object({ instances: { type: 'array', items: ref('ServiceInstance') } }),
  ServiceRequest: object({ name: text, ...facts, health, concurrency: { type: 'integer', minimum: 1 } }, [
    ...Object.keys(facts),
    'health',
    'concurrency',
  ]),
  ServiceId: object({ id: text }),
  ServiceResult: object({ result: described({}, 'What the handler returned.') }),
  ServiceImpact: object({
    service: text,
    dependants: {
      type: 'array',
      items: object({ name: text, through: words, instances: { type: 'integer', minimum: 1 } }),
    },
  }),
  CallGraph: object({
    edges: {
      type: 'array',
      items: object({
        from: described(text, 'The service whose handler calls; empty: the program of the member.'),
        member: described(text, 'The name of the member that calls.'),
        to: described(text, 'The service that is called.'),
        rate: described({ type: 'number', minimum: 0 }, 'Calls a second.'),
        calls: { type: 'integer', minimum: 0 },
        errors: { type: 'integer', minimum: 0 },
        errorShare: { type: 'number', minimum: 0, maximum: 1 },
        latencyMs: { type: 'number', minimum: 0 },
      }),
    },
    missing: described(words, 'Alive members that did not answer in time.'),
  }),
  Federation: object({
    name: described({ type: ['string', 'null'] }, 'What others call this cluster; null: this member is no gateway.'),
    address: described({ type: ['string', 'null'] }, 'Where gateways of other clusters connect.'),
    links: { type: 'array', items: object({ gateway: text, cluster: text }) },
    exports: words,
    imports: { type: 'array', items: object({ name: text, cluster: text, zone: text }) },
  }),
  ScrapeTargets: {
    type: 'array',
    items: object({ targets: words, labels: { type: 'object', additionalProperties: text } }),
  },
}

const body = { 400: ['ERR_BAD_REQUEST'], 413: ['ERR_PAYLOAD_TOO_LARGE'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] } as const
const range = described(text, 'A range such as ^2.1.0.')

export const serviceOperations: Readonly<
  Record<string, Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Operation>>>>
> = {
  '/v1/services': {
    GET: {
      operationId: 'findServices',
      summary: 'Instances on members that are here, best first.',
      tag: 'services',
      query: {
        name: text,
        capability: described(text, 'All of them must match.'),
        namespace: text,
        version: range,
        zone: text,
        health: text,
        cluster: described(text, 'Empty: only of this one.'),
      },
      answers: { 200: json('What matches all that is asked for.', 'ServiceInstances') },
      errors: { 400: ['ERR_BAD_OPTIONS'] },
    },
    POST: {
      operationId: 'registerService',
      summary: 'Offers a service in the name of this node, until it is removed or the node stops.',
      tag: 'services',
      body: ref('ServiceRequest'),
      answers: { 201: json('Its id.', 'ServiceId') },
      errors: { ...body, 400: ['ERR_BAD_REQUEST', 'ERR_BAD_OPTIONS'], 503: ['ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN'] },
    },
  },
  '/v1/services/{id}': {
    DELETE: {
      operationId: 'removeService',
      summary: 'Takes an instance back, whichever member owns it.',
      tag: 'services',
      answers: { 200: json('It is gone.', 'ServiceId') },
      errors: {
        400: ['ERR_BAD_OPTIONS'],
        404: ['ERR_UNKNOWN_SERVICE'],
        415: ['ERR_UNSUPPORTED_MEDIA_TYPE'],
        503: ['ERR_MEMBER_DOWN', 'ERR_NO_ROUTE'],
        504: ['ERR_TIMEOUT'],
      },
    },
  },
  '/v1/services/{name}/impact': {
    GET: {
      operationId: 'getImpact',
      summary: 'Who would feel it if a service were gone.',
      tag: 'services',
      answers: { 200: json('Its dependants, nearest first.', 'ServiceImpact') },
    },
  },
  '/v1/services/{name}/{method}': {
    POST: {
      operationId: 'callService',
      summary: 'Calls a method of one instance, wherever it runs; the body is the argument, none is null.',
      tag: 'services',
      query: {
        deadlineMs: { type: 'number', exclusiveMinimum: 0 },
        key: text,
        version: range,
        capability: described(text, 'All of them must match.'),
        namespace: text,
        zone: text,
        cluster: text,
      },
      body: {},
      isBodyOptional: true,
      answers: { 200: json('What the handler returned.', 'ServiceResult') },
      errors: {
        ...body,
        400: ['ERR_BAD_REQUEST', 'ERR_BAD_OPTIONS'],
        404: ['ERR_UNKNOWN_SERVICE'],
        502: ['ERR_HANDLER_FAILED'],
        503: ['ERR_NO_HANDLER', 'ERR_BUFFER_FULL', 'ERR_MEMBER_DOWN', 'ERR_NO_ROUTE', 'ERR_SHUTTING_DOWN'],
        504: ['ERR_DEADLINE_EXCEEDED'],
      },
    },
  },
  '/v1/calls': {
    GET: {
      operationId: 'getCalls',
      summary: 'Who calls whom, as the callers measure it, of all members that answer within 2 s; the busiest first.',
      tag: 'services',
      answers: { 200: json('What was called in the last five minutes.', 'CallGraph') },
    },
  },
  '/v1/federation': {
    GET: {
      operationId: 'getFederation',
      summary: 'What this member does as a gateway to other clusters.',
      tag: 'services',
      answers: { 200: json('Its links, and what crosses them.', 'Federation') },
    },
  },
  '/v1/sd/prometheus': {
    GET: {
      operationId: 'getScrapeTargets',
      summary: 'The admin addresses of all members, for `http_sd_configs` of Prometheus.',
      tag: 'services',
      answers: { 200: json('One group for each member with an admin API.', 'ScrapeTargets') },
    },
  },
}
