// `GET /v1/openapi.json`: the admin API described for programs (OpenAPI 3.1). Public, for it says nothing of this
// cluster. The parts are in `openapi-paths.ts` and `openapi-schemas.ts`; here they become the document.

import { packageVersion } from '../observability/version.ts'
import { sessionCookie } from './access.ts'
import { adviceSchemas } from './openapi-advice.ts'
import { channelSchemas } from './openapi-channels.ts'
import { configSchemas } from './openapi-config.ts'
import { consulSchemas } from './openapi-consul.ts'
import { lockSchemas } from './openapi-locks.ts'
import { mergeSchemas } from './openapi-merge.ts'
import { commonErrors, operations } from './openapi-paths.ts'
import { type AdminErrorCode, errorDetails, errorSchema, ref, type Schema, schemas } from './openapi-schemas.ts'
import { serviceSchemas } from './openapi-services.ts'
import { whySchemas } from './openapi-why.ts'
import type { Resource } from './resource.ts'
import { unreadable } from './unreadable.ts'

type Operation = NonNullable<(typeof operations)[string]['GET']>

export function openapiResources(): Resource[] {
  const text = JSON.stringify(openapiDocument())
  const headers = { 'content-type': 'application/json' }
  return [
    {
      path: '/v1/openapi.json',
      calls: { GET: { needs: 'public', handle: (context) => context.body(text, 200, headers) } },
    },
  ]
}

/** The whole document, as plain JSON. */
export function openapiDocument() {
  const errors = Object.keys(errorDetails) as AdminErrorCode[]
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trellis admin API',
      version: packageVersion(),
      description:
        'What one node knows of its cluster. A foreign `Host` or `Origin` is refused; HEAD is answered wherever GET is.',
    },
    servers: [{ url: '/' }],
    tags: ['cluster', 'config', 'services', 'channels', 'consul', 'health', 'session', 'description'].map((name) => ({
      name,
    })),
    // Either, or none where no token is configured.
    security: [{ bearer: [] }, { cookie: [] }, {}],
    paths: Object.fromEntries(
      Object.entries(operations).map(([path, calls]) => [
        path,
        Object.fromEntries(Object.entries(calls).map(([method, call]) => [method.toLowerCase(), describe(path, call)])),
      ]),
    ),
    components: {
      schemas: {
        ...schemas,
        ...adviceSchemas,
        ...configSchemas,
        ...mergeSchemas,
        ...consulSchemas,
        ...serviceSchemas,
        ...lockSchemas,
        ...channelSchemas,
        ...whySchemas,
        ...Object.fromEntries(errors.map((code) => [errorName(code), errorSchema(code)])),
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: sessionCookie },
      },
    },
  }
}

function describe(path: string, operation: Operation) {
  const { operationId, summary, tag, isPublic, body, isBodyOptional, events } = operation
  const content = { 'application/json': { schema: body } }
  return {
    operationId,
    summary,
    tags: [tag],
    ...parameters(path, operation),
    ...(isPublic ? { security: [] } : {}),
    ...(body ? { requestBody: { required: !isBodyOptional, content } } : {}),
    responses: responses(operation),
    ...(events ? { 'x-event-data': events } : {}),
  }
}

function parameters(path: string, { query = {}, headers = {} }: Operation) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }))
  const inHead = Object.entries(headers).map(([name, schema]) => ({ name, in: 'header', schema }))
  const all = [...inPath, ...inQuery, ...inHead]
  return all.length === 0 ? {} : { parameters: all }
}

function responses({ answers, errors = {}, isPublic }: Operation) {
  const refusals = [commonErrors.all, isPublic ? {} : commonErrors.token, errors]
  const described = new Map<string, { description: string; content?: Record<string, { schema: Schema }> }>()
  for (const [status, { description, type = 'application/json', schema, others = {} }] of Object.entries(answers)) {
    const types = [...(schema ? [[type, schema] as const] : []), ...Object.entries(others)]
    const content = Object.fromEntries(types.map(([name, each]) => [name, { schema: each }]))
    described.set(status, { description, ...(types.length > 0 ? { content } : {}) })
  }
  for (const status of new Set(refusals.flatMap((refusal) => Object.keys(refusal)))) {
    // What a call answers by itself with that status is what it is.
    if (described.has(status)) continue
    const codes = [...new Set(refusals.flatMap((refusal) => refusal[Number(status)] ?? []))]
    const possible = codes.map((code) => ref(errorName(code)))
    const schema = possible.length === 1 ? possible[0]! : { oneOf: possible }
    described.set(status, { description: codes.join(', '), content: { 'application/json': { schema } } })
  }
  for (const [status, problem] of Object.entries(unreadable)) {
    const content = { 'application/json': { schema: ref(errorName('ERR_BAD_REQUEST')) } }
    if (!described.has(status)) described.set(status, { description: `ERR_BAD_REQUEST: ${problem}`, content })
  }
  return Object.fromEntries([...described].sort(([a], [b]) => Number(a) - Number(b)))
}

function errorName(code: AdminErrorCode): string {
  return `Error.${code}`
}
