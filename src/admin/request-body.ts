// The body of a write: bounded while it comes in, and JSON. What a handler does not read, the server drains or cuts.

import type { IncomingMessage } from 'node:http'
import { ClusterError } from '../errors.ts'
import type { Context } from './http-call.ts'

/** For calls that say nothing else. */
const defaultMaxBytes = 16_384

/** The parsed body. Throws `ERR_PAYLOAD_TOO_LARGE` or `ERR_BAD_REQUEST`. */
export async function readJson(context: Context, maxBytes: number = defaultMaxBytes): Promise<unknown> {
  return parsed(await readBody(context, maxBytes))
}

/** As {@link readJson}; undefined: there is none. */
export async function readOptionalJson(context: Context, maxBytes: number = defaultMaxBytes): Promise<unknown> {
  const bytes = await readBody(context, maxBytes)
  return bytes.length === 0 ? undefined : parsed(bytes)
}

async function readBody(context: Context, maxBytes: number): Promise<Buffer> {
  const declared = Number(context.req.header('content-length') ?? 0)
  if (declared > maxBytes) throw tooLarge(declared, maxBytes)
  return readAtMost(context.incoming, maxBytes)
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ClusterError('ERR_BAD_REQUEST', 'the body is not JSON', { problem: 'not JSON' }, { cause })
  }
}

/**
 * A body that is an object with these fields at most. Throws `ERR_BAD_REQUEST` for all others at once: what is mistyped
 * must not count as left out.
 */
export function fieldsOf<Name extends string>(
  body: unknown,
  names: readonly Name[],
): { readonly [Key in Name]?: unknown } {
  const problem = fieldsProblem(body, names)
  if (problem === undefined) return body as { readonly [Key in Name]?: unknown }
  throw new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}

function fieldsProblem(body: unknown, names: readonly string[]): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return `the body must be an object of ${names.join(', ')}`
  const stray = Object.keys(body).filter((name) => !names.includes(name))
  return stray.length === 0 ? undefined : stray.map((name) => `unknown field '${name.slice(0, 64)}'`).join('; ')
}

async function readAtMost(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(size, maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(bytes: number, limit: number): ClusterError {
  return new ClusterError('ERR_PAYLOAD_TOO_LARGE', `the body has more than ${limit} bytes`, { bytes, limit })
}
