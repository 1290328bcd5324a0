// The calls that speak as Consul's HTTP API does, described. What their answers mean in full is in Consul's own
// documentation.

import type { Operation } from './openapi-paths.ts'
import { json, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const words: Schema = { type: 'array', items: text }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })
const anything: Schema = { type: 'object' }

/** With these fields at least, as Consul has them. */
const row = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})
const rows = (properties: Readonly<Record<string, Schema>>): Schema => ({ type: 'array', items: row(properties) })

const node = { ID: text, Node: text, Address: text, Datacenter: text, TaggedAddresses: anything, Meta: anything }

/** Shapes that only these calls have. */
export const consulSchemas: Readonly<Record<string, Schema>> = {
  ConsulHealth: rows({
    Node: row(node),
    Service: row({
      ID: text,
      Service: text,
      Tags: words,
      Address: text,
      Port: whole,
      Meta: anything,
      Weights: anything,
    }),
    Checks: rows({ Node: text, CheckID: text, Status: { type: 'string', enum: ['passing', 'warning', 'critical'] } }),
  }),
  ConsulCatalogService: rows({ Node: text, Address: text, ServiceID: text, ServiceName: text, ServicePort: whole }),
  ConsulNames: { type: 'object', additionalProperties: words },
  ConsulNodes: rows(node),
  ConsulTexts: words,
  ConsulText: text,
  ConsulSelf: row({ Config: anything, Member: anything }),
  ConsulKeys: { type: 'array', items: { oneOf: [text, row({ Key: text, CreateIndex: whole, ModifyIndex: whole })] } },
}

const blocking = {
  index: described(whole, 'Wait until the index of the answer is another.'),
  wait: described(text, 'For how long, such as 30s or 5m; at most 10m. Default 5m.'),
}
const asked = {
  ...blocking,
  dc: described(text, 'The name of the cluster; any other is refused.'),
  tag: described(text, 'A capability; all that are given must match.'),
  near: described(text, '_agent or the name of a member: its instances first, then those of its zone.'),
  ns: described(text, 'The namespace.'),
}
const refused = { 400: ['ERR_BAD_REQUEST'] } as const
const key: Operation = {
  operationId: 'getConsulKey',
  summary: 'A key of the config, or all with a prefix. Bears X-Consul-Index.',
  tag: 'consul',
  query: {
    ...blocking,
    recurse: described(text, 'All that begin with the key.'),
    keys: described(text, 'Only their names.'),
    separator: described(text, 'With keys: no further than this.'),
    raw: described(text, 'The value alone.'),
    stale: described(text, 'As the nearest voter has it, in a minority, too.'),
  },
  answers: {
    200: {
      ...json('Values in base64; with raw the one value as it is.', 'ConsulKeys'),
      others: { 'text/plain': text },
    },
    404: { description: 'There is none; no body.' },
  },
  errors: {
    ...refused,
    503: ['ERR_NO_QUORUM', 'ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN'],
    504: ['ERR_TIMEOUT'],
  },
}

const get = (operation: Omit<Operation, 'tag'>) => ({ GET: { ...operation, tag: 'consul' as const } })

export const consulOperations: Readonly<Record<string, { readonly GET: Operation }>> = {
  '/v1/health/service/{name}': get({
    operationId: 'getConsulHealth',
    summary: 'Instances of a service with node and checks. Bears X-Consul-Index.',
    query: { ...asked, passing: described(text, 'Only where all checks pass.') },
    answers: { 200: json('As Consul answers.', 'ConsulHealth') },
    errors: refused,
  }),
  '/v1/catalog/services': get({
    operationId: 'getConsulServices',
    summary: 'Names of services with their tags. Bears X-Consul-Index.',
    query: { ...blocking, dc: asked.dc, ns: asked.ns },
    answers: { 200: json('As Consul answers.', 'ConsulNames') },
    errors: refused,
  }),
  '/v1/catalog/service/{name}': get({
    operationId: 'getConsulService',
    summary: 'Instances of a service. Bears X-Consul-Index.',
    query: asked,
    answers: { 200: json('As Consul answers.', 'ConsulCatalogService') },
    errors: refused,
  }),
  '/v1/catalog/nodes': get({
    operationId: 'getConsulNodes',
    summary: 'Members that are here.',
    answers: { 200: json('As Consul answers.', 'ConsulNodes') },
  }),
  '/v1/catalog/datacenters': get({
    operationId: 'getConsulDatacenters',
    summary: 'The name of the cluster.',
    answers: { 200: json('As Consul answers.', 'ConsulTexts') },
  }),
  '/v1/status/leader': get({
    operationId: 'getConsulLeader',
    summary: 'The address of the leader; empty: none is known.',
    answers: { 200: json('As Consul answers.', 'ConsulText') },
  }),
  '/v1/status/peers': get({
    operationId: 'getConsulPeers',
    summary: 'The addresses of the voters.',
    answers: { 200: json('As Consul answers.', 'ConsulTexts') },
  }),
  '/v1/agent/self': get({
    operationId: 'getConsulSelf',
    summary: 'What this node says of itself.',
    answers: { 200: json('As Consul answers.', 'ConsulSelf') },
  }),
  '/v1/kv/': { GET: { ...key, operationId: 'getConsulKeys' } },
  '/v1/kv/{key}': { GET: key },
}
