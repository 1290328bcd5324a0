// Drives the handshake machine over a real connection and gives an established link, or one error that says why not.

import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { Connection } from '../transport/transport.ts'
import {
  formatCluster,
  formatVersions,
  Handshake,
  type HandshakeFailure,
  type HandshakeOptions,
  type HandshakeStep,
} from './handshake.ts'
import { Link } from './link.ts'
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from './versions.ts'

/** Milliseconds from the proven connection to the established link, on either side. */
export const HANDSHAKE_TIMEOUT_MS = 5_000

export interface LinkHandshakeOptions extends Omit<HandshakeOptions, 'side' | 'peer' | 'binding'> {
  readonly clock: Time
  /**
   * The generation of a later life of this node, or of a copy of it, that the evidence of a refusal shows. Default:
   * none is believed.
   */
  readonly laterLife?: (evidence: Uint8Array) => number | undefined
  /** Default {@link HANDSHAKE_TIMEOUT_MS}. */
  readonly timeoutMs?: number
}

/** Why there is no link; the `cause` of the error that {@link establishLink} rejects with when an end refused. */
export class HandshakeRefused extends Error implements HandshakeFailure {
  override readonly name = 'HandshakeRefused'
  readonly by: HandshakeFailure['by']
  readonly code: string
  readonly detail: string
  readonly peer: HandshakeFailure['peer']

  constructor({ by, code, detail, peer }: HandshakeFailure) {
    super(`${by === 'us' ? 'we' : 'the peer'} refused: ${code}${detail === '' ? '' : ` (${detail})`}`)
    this.by = by
    this.code = code
    this.detail = detail
    this.peer = peer
  }
}

/**
 * Takes over a connection that was not started and proves both ends to each other. Resolves with the link, the
 * connection admitted; call `link.start` at once. Rejects, the connection closed, with `ERR_WRONG_SECRET`,
 * `ERR_VERSION_MISMATCH`, `ERR_FOREIGN_CLUSTER`, `ERR_NAME_TAKEN` or `ERR_DATA_ROLLED_BACK` (the last two only when it
 * is this node that was refused; the last one only with evidence, for anybody could say it), `ERR_ABORTED` (`signal`),
 * else with `ERR_HANDSHAKE_FAILED`, its reason being the refusal's code, `closed` or `timeout`. The `cause` of a
 * refusal is a {@link HandshakeRefused}.
 */
export function establishLink(
  connection: Connection,
  options: LinkHandshakeOptions,
  signal?: AbortSignal,
): Promise<Link> {
  const { clock } = options
  return new Promise((resolve, reject) => {
    const machine = new Handshake({
      wall: () => clock.wall(),
      ...options,
      side: connection.side,
      peer: connection.peer,
      binding: connection.binding,
    })
    let link: Link | undefined
    const settle = (): void => {
      timer?.[Symbol.dispose]()
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: ClusterError): void => {
      settle()
      connection.destroy()
      reject(error)
    }
    const abort = (): void => fail(aborted(signal))
    const timer = clock.setTimeout(() => fail(failed(connection, 'timeout')), options.timeoutMs ?? HANDSHAKE_TIMEOUT_MS)
    const run = (steps: readonly HandshakeStep[]): void => {
      for (const step of steps) {
        switch (step.type) {
          case 'send':
            connection.write(step.bytes)
            break
          case 'established':
            settle()
            connection.admit()
            link = new Link(connection, step.agreement)
            link.receive(step.rest)
            resolve(link)
            break
          case 'failed':
            settle()
            // In order, so that the refusal still leaves.
            void connection.close()
            reject(refused(connection, options, step.failure))
            break
          default:
            step satisfies never
        }
      }
    }
    if (signal?.aborted) {
      abort()
      return
    }
    signal?.addEventListener('abort', abort, { once: true })
    connection.start({
      data: (chunk) => (link === undefined ? run(machine.receive(chunk)) : link.receive(chunk)),
      drain: () => link?.drained(),
      close: (error) => (link === undefined ? fail(failed(connection, 'closed', error)) : link.closed(error)),
    })
    run(machine.start())
  })
}

function aborted(signal: AbortSignal | undefined): ClusterError {
  return new ClusterError(
    'ERR_ABORTED',
    'the handshake was aborted',
    { operation: 'handshake' },
    { cause: signal?.reason },
  )
}

function failed(connection: Connection, reason: string, cause?: unknown): ClusterError {
  const address = connection.remoteAddress
  return new ClusterError(
    'ERR_HANDSHAKE_FAILED',
    `no link with ${address}: ${reason}`,
    { address, reason },
    cause === undefined ? {} : { cause },
  )
}

function refused(connection: Connection, options: LinkHandshakeOptions, failure: HandshakeFailure): ClusterError {
  const cause = new HandshakeRefused(failure)
  const { self } = options
  const address = connection.remoteAddress
  const text = `no link with ${address}: ${cause.message}`
  // What the peer said of itself, or what it wrote into its refusal.
  const theirs = (format: (peer: NonNullable<HandshakeFailure['peer']>) => string): string =>
    failure.by === 'us' && failure.peer !== undefined ? format(failure.peer) : failure.detail
  switch (failure.code) {
    case 'wrong-secret':
      return new ClusterError('ERR_WRONG_SECRET', text, { address }, { cause })
    case 'version-mismatch': {
      const ours = formatVersions(options.versions ?? { min: OLDEST_PROTOCOL_VERSION, max: PROTOCOL_VERSION })
      const details = {
        address,
        ours,
        theirs: theirs((peer) => formatVersions({ min: peer.versionMin, max: peer.versionMax })),
      }
      return new ClusterError('ERR_VERSION_MISMATCH', text, details, { cause })
    }
    case 'foreign-cluster': {
      const details = { address, ours: formatCluster(self), theirs: theirs(formatCluster) }
      return new ClusterError('ERR_FOREIGN_CLUSTER', text, details, { cause })
    }
  }
  if (failure.by === 'peer' && failure.code === 'name-taken') {
    return new ClusterError('ERR_NAME_TAKEN', text, { name: self.name, holder: failure.detail }, { cause })
  }
  if (failure.by === 'peer' && failure.code === 'rolled-back') {
    const seen = failure.evidence && options.laterLife?.(failure.evidence)
    if (seen !== undefined) {
      const { id, generation } = self
      const what = `generation ${generation} of this node is not above ${seen}, which ${address} has seen: its data was copied or rolled back`
      return new ClusterError('ERR_DATA_ROLLED_BACK', what, { id, generation, seen }, { cause })
    }
  }
  return failed(connection, failure.code, cause)
}
