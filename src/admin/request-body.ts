// The body of a write: bounded while it comes in, and JSON. What a handler does not read, the server drains or cuts.

import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { ClusterError } from '../errors.ts'

/** For calls that say nothing else. */
const defaultMaxBytes = 16_384

/** The parsed body. Throws `ERR_PAYLOAD_TOO_LARGE` or `ERR_BAD_REQUEST`. */
export async function readJson(context: Context, maxBytes: number = defaultMaxBytes): Promise<unknown> {
  const { incoming } = context.env as HttpBindings
  const declared = Number(context.req.header('content-length') ?? 0)
  if (declared > maxBytes) throw tooLarge(declared, maxBytes)
  const bytes = await readAtMost(incoming as IncomingMessage, maxBytes)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ClusterError('ERR_BAD_REQUEST', 'the body is not JSON', { problem: 'not JSON' }, { cause })
  }
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
