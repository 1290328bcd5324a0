// Every call of the admin API, described: what it answers and how it refuses. Which refusals each call shares with all
// others is said once, below.

import { channelOperations } from './openapi-channels.ts'
import { configOperations } from './openapi-config.ts'
import { consulOperations } from './openapi-consul.ts'
import { lockOperations } from './openapi-locks.ts'
import { mergeOperations } from './openapi-merge.ts'
import { type AdminErrorCode, json, ref, type Schema } from './openapi-schemas.ts'
import { serviceOperations } from './openapi-services.ts'
import { whyOperations } from './openapi-why.ts'
import type { Method } from './resource.ts'

export interface Answer {
  readonly description: string
  /** Default: `application/json`, where there is a schema. */
  readonly type?: string
  readonly schema?: Schema
  /** Beside that, by media type. */
  readonly others?: Readonly<Record<string, Schema>>
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tag: 'cluster' | 'config' | 'services' | 'channels' | 'consul' | 'health' | 'session' | 'description'
  /** No token is asked for. */
  readonly isPublic?: true
  readonly body?: Schema
  /** Whoever has nothing to say there needs none. */
  readonly isBodyOptional?: true
  /** In the query. Those of the path are in the path. */
  readonly query?: Readonly<Record<string, Schema>>
  /** What it reads of the head, beside what all calls do. */
  readonly headers?: Readonly<Record<string, Schema>>
  readonly answers: Readonly<Record<number, Answer>>
  /** Beside those that every call has. */
  readonly errors?: Readonly<Record<number, readonly AdminErrorCode[]>>
  /** Of an event stream: what `data` is, by name of the event. */
  readonly events?: Readonly<Record<string, Schema>>
}

/** How a body is refused. */
const bodyErrors = {
  400: ['ERR_BAD_REQUEST'],
  413: ['ERR_PAYLOAD_TOO_LARGE'],
  415: ['ERR_UNSUPPORTED_MEDIA_TYPE'],
} as const

export const operations: Readonly<Record<string, Readonly<Partial<Record<Method, Operation>>>>> = {
  '/v1/status': {
    GET: {
      operationId: 'getStatus',
      summary: 'The cluster as this one node knows it.',
      tag: 'cluster',
      answers: { 200: json('The status.', 'Status') },
    },
  },
  '/v1/members': {
    GET: {
      operationId: 'getMembers',
      summary: 'Every member that this node remembers, itself included.',
      tag: 'cluster',
      answers: { 200: json('The members.', 'Members') },
    },
  },
  '/v1/topology': {
    GET: {
      operationId: 'getTopology',
      summary: 'The overlay, and the links that this node itself has.',
      tag: 'cluster',
      answers: { 200: json('The topology.', 'Topology') },
    },
    PUT: {
      operationId: 'switchTopology',
      summary: 'Switches the whole cluster to another overlay while traffic flows, and answers when that has ended.',
      tag: 'cluster',
      body: ref('SwitchOrder'),
      answers: { 200: json('How it ended: also when it was aborted, or there was nothing to do.', 'SwitchReport') },
      errors: {
        ...bodyErrors,
        400: ['ERR_BAD_REQUEST', 'ERR_UNKNOWN_TOPOLOGY'],
        409: ['ERR_SWITCH_IN_PROGRESS', 'ERR_TOPOLOGY_MISMATCH', 'ERR_NO_SERVER_NODES'],
        503: ['ERR_NO_QUORUM', 'ERR_SHUTTING_DOWN'],
      },
    },
  },
  '/v1/topology/advice': {
    GET: {
      operationId: 'getAdvice',
      summary:
        'What the adviser would do, by what this node has measured, with the rule that decided. Switches nothing.',
      tag: 'cluster',
      answers: { 200: json('The advice.', 'Advice') },
    },
  },
  '/v1/topology/links': {
    GET: {
      operationId: 'getLinks',
      summary: 'The links between all members, as they tell them.',
      tag: 'cluster',
      answers: { 200: json('The links of all that answered.', 'LinkMap') },
    },
  },
  '/v1/client': {
    GET: {
      operationId: 'attachClient',
      summary: 'Where clients attach, by a WebSocket with the subprotocol trellis.client.1.',
      tag: 'channels',
      answers: { 101: { description: 'The session of `@viable-systems/trellis/client`.' } },
      errors: { 426: ['ERR_UPGRADE_REQUIRED'] },
    },
  },
  '/v1/events': {
    GET: {
      operationId: 'streamEvents',
      summary: 'Snapshots whenever they change, and every cluster event as it happens (server-sent events).',
      tag: 'cluster',
      answers: {
        200: {
          description: 'A stream without an end; `x-event-data` says what `data` is of each `event`.',
          type: 'text/event-stream',
          schema: { type: 'string' },
        },
      },
      errors: { 503: ['ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN'] },
      events: {
        status: ref('Status'),
        members: ref('Members'),
        topology: ref('Topology'),
        member: ref('MemberEvent'),
        leader: ref('LeaderEvent'),
        s5: ref('S5Event'),
        switch: ref('SwitchEvent'),
        advice: ref('AdviceEvent'),
        link: ref('LinkEvent'),
        congestion: ref('CongestionEvent'),
        links: ref('LinkMap'),
        past: ref('Past'),
        alive: ref('Alive'),
      },
    },
  },
  ...configOperations,
  ...mergeOperations,
  ...consulOperations,
  ...serviceOperations,
  ...lockOperations,
  ...whyOperations,
  '/v1/faults': {
    GET: {
      operationId: 'getFaults',
      summary: 'The faults that this node suffers on request.',
      tag: 'cluster',
      answers: { 200: json('The faults; none where none are allowed.', 'Faults') },
    },
    POST: {
      operationId: 'setFaults',
      summary: 'Cuts links to members, stalls the event loop; replaces what was set. Only with --allow-faults.',
      tag: 'cluster',
      body: ref('FaultRequest'),
      answers: { 200: json('The faults that hold now.', 'Faults') },
      errors: { ...bodyErrors, 403: ['ERR_FAULTS_NOT_ALLOWED'], 404: ['ERR_UNKNOWN_MEMBER'] },
    },
    DELETE: {
      operationId: 'clearFaults',
      summary: 'Ends all faults. Only with --allow-faults.',
      tag: 'cluster',
      answers: { 200: json('None.', 'Faults') },
      errors: { 403: ['ERR_FAULTS_NOT_ALLOWED'], 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] },
    },
  },
  ...channelOperations,
  '/v1/session': {
    POST: {
      operationId: 'openSession',
      summary: 'Exchanges a token for a cookie that scripts cannot read.',
      tag: 'session',
      isPublic: true,
      body: ref('Token'),
      answers: { 204: { description: 'The cookie is set.' } },
      errors: { ...bodyErrors, 401: ['ERR_UNAUTHORIZED'] },
    },
    DELETE: {
      operationId: 'closeSession',
      summary: 'Forgets the cookie.',
      tag: 'session',
      isPublic: true,
      answers: { 204: { description: 'The cookie is gone.' } },
      errors: { 415: ['ERR_UNSUPPORTED_MEDIA_TYPE'] },
    },
  },
  '/v1/openapi.json': {
    GET: {
      operationId: 'getDescription',
      summary: 'This document.',
      tag: 'description',
      isPublic: true,
      answers: { 200: { description: 'OpenAPI 3.1.', schema: { type: 'object' } } },
    },
  },
  '/metrics': {
    GET: {
      operationId: 'getMetrics',
      summary: 'What Prometheus scrapes.',
      tag: 'health',
      answers: { 200: { description: 'Text exposition.', type: 'text/plain', schema: { type: 'string' } } },
    },
  },
  '/healthz': {
    GET: {
      operationId: 'getHealth',
      summary: 'The process turns its event loop: do not restart it.',
      tag: 'health',
      isPublic: true,
      answers: { 200: json('It does.', 'Healthy') },
    },
  },
  '/readyz': {
    GET: {
      operationId: 'getReadiness',
      summary:
        'The node belongs to a cluster whose leader it knows, and neither drains nor stops: work may be sent to it.',
      tag: 'health',
      isPublic: true,
      answers: { 200: json('It does.', 'Ready'), 503: json('Not now.', 'NotReady') },
    },
  },
  '/': {
    GET: {
      operationId: 'getPage',
      summary: 'The cluster as a page.',
      tag: 'cluster',
      isPublic: true,
      answers: { 200: { description: 'The page.', type: 'text/html', schema: { type: 'string' } } },
    },
  },
}

/** Refusals of every call; `token`: of those that ask for one. */
export const commonErrors: Readonly<Record<'all' | 'token', Readonly<Record<number, readonly AdminErrorCode[]>>>> = {
  all: {
    400: ['ERR_BAD_REQUEST'],
    403: ['ERR_FORBIDDEN_ORIGIN'],
    404: ['ERR_NOT_FOUND'],
    405: ['ERR_METHOD_NOT_ALLOWED'],
    500: ['ERR_INTERNAL'],
  },
  token: { 401: ['ERR_UNAUTHORIZED'], 403: ['ERR_FORBIDDEN'] },
}
