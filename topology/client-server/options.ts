// The numbers that the client-server overlay may be tuned by: unit, default, range, and what goes wrong at both ends.

import type { NumberRule } from '../parameters.ts'

/** What the client-server overlay may be tuned by. */
export interface ClientServerOptions {
  /**
   * Servers that a client holds links to. Default 2: one may fail and no message waits. Range 1 to 16. One: a failed
   * server cuts its clients off until they have linked another. Many: servers carry that many times the links.
   */
  readonly serversPerClient: number
  /**
   * Milliseconds that whoever is to be dialed by the other end leaves to it before dialing too: servers to their
   * clients, and of two servers the higher id. Default 500. Range 0 to 60,000. Zero: both dial, and one of two links is
   * closed again. Long: who cannot dial links late.
   */
  readonly dialGraceMs: number
  /**
   * Links wanted at most. Default 11,000: everyone that membership remembers. Range: 1 to 1,000,000. What is beyond it,
   * clients first, is left out.
   */
  readonly maxLinks: number
}

export const clientServerDefaults: ClientServerOptions = Object.freeze({
  serversPerClient: 2,
  dialGraceMs: 500,
  maxLinks: 11_000,
})

export const clientServerRules: readonly NumberRule<ClientServerOptions>[] = [
  ['serversPerClient', 'whole', 1, 16],
  ['dialGraceMs', 'real', 0, 60_000],
  ['maxLinks', 'whole', 1, 1_000_000],
]
