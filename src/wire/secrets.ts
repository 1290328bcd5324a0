// The cluster secret and the proof of it. A proof is an HMAC over everything that makes this connection this one: the
// TLS exporter (no other connection has it, so a proof cannot be replayed), the role (so it cannot be reflected), both
// ids and the cluster's name. It shows the secret to nobody who does not have it.

import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { MAX_CLUSTER_NAME_BYTES, MAX_ID_BYTES } from './limits.ts'
import { write } from './writer.ts'

/** 128 bits. */
export const MIN_SECRET_BYTES = 16
/** Two while secrets are being changed; more than a few are a mistake. */
export const MAX_SECRETS = 16

const PROOF_LABEL = 'trellis-link-proof-1'
const MAX_BINDING_BYTES = 64

/** What a proof is about. */
export interface ProofContext {
  readonly role: 'dialer' | 'acceptor'
  /** `Connection.binding`. */
  readonly binding: Uint8Array
  readonly dialer: string
  readonly acceptor: string
  /** As the one who proves says it. */
  readonly clusterName: string
}

/** The bytes of a secret, or what is wrong with it, to be put after the option's name. Never repeats the secret. */
export function parseSecret(text: string): Uint8Array | string {
  const secret = Buffer.from(text, 'utf8')
  if (secret.length >= MIN_SECRET_BYTES) return secret
  return `must have at least ${MIN_SECRET_BYTES} bytes (128 bits), has ${secret.length}`
}

/** One secret, as a function that proves it. */
export type Prover = (context: ProofContext) => Uint8Array

/** The secrets a node goes by: the first is used, all are accepted, so that a new one can be brought in by turns. */
export class Keyring {
  readonly #provers: readonly [Prover, ...Prover[]]

  /** Throws `TypeError` with the problem of {@link parseSecret}; validate what users give before. */
  constructor(secrets: readonly string[]) {
    const [first, ...others] = secrets.map(proverOf)
    if (first === undefined || others.length >= MAX_SECRETS) {
      throw new TypeError(`a keyring holds 1 to ${MAX_SECRETS} secrets, got ${secrets.length}`)
    }
    this.#provers = [first, ...others]
  }

  /** Proves the secret that this node uses. */
  get preferred(): Prover {
    return this.#provers[0]
  }

  /** The accepted secret that made `proof`, so that the answer can be given with it. Takes as long whichever it is. */
  find(proof: Uint8Array, context: ProofContext): Prover | undefined {
    let found: Prover | undefined
    for (const prover of this.#provers) {
      if (isProofOf(prover, proof, context)) found ??= prover
    }
    return found
  }
}

/** True when `prover`'s secret made `proof` for exactly this context. In constant time. */
export function isProofOf(prover: Prover, proof: Uint8Array, context: ProofContext): boolean {
  const expected = prover(context)
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}

function proverOf(text: string): Prover {
  const secret = parseSecret(text)
  if (typeof secret === 'string') throw new TypeError(`a secret ${secret}`)
  const key = createSecretKey(secret)
  return (context) => createHmac('sha256', key).update(proofInput(context)).digest()
}

const TICKET_LABEL = 'trellis-lane-ticket-1'

/**
 * What a further channel shows: who was admitted to a link, and only who was, knows that link's binding. The binding of
 * the new connection makes the ticket worthless on any other.
 */
export function laneTicket(link: Uint8Array, connection: Uint8Array, channel: string): Uint8Array {
  return createHmac('sha256', link).update(`${TICKET_LABEL} ${channel} `).update(connection).digest()
}

/** Each part with its length before it, so that no two contexts give the same bytes. */
function proofInput({ role, binding, dialer, acceptor, clusterName }: ProofContext): Uint8Array {
  return write(1, (writer) => {
    writer.text(PROOF_LABEL, PROOF_LABEL.length)
    writer.u8(role === 'dialer' ? 1 : 2)
    writer.bytes(binding, MAX_BINDING_BYTES)
    writer.text(dialer, MAX_ID_BYTES)
    writer.text(acceptor, MAX_ID_BYTES)
    writer.text(clusterName, MAX_CLUSTER_NAME_BYTES)
  })
}
