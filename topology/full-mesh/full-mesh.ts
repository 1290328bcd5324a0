import { invariant } from '../invariant.ts'
import type { Overlay, OverlayEffect, OverlayInput } from '../overlay.ts'
import type { MemberId } from '../types.ts'

export interface FullMeshOptions {
  /**
   * Milliseconds the member with the higher id leaves to the other before it dials too. Default 500. Range 0 to 60,000. Zero: both dial, and one
   * of two links is closed again. Long: a pair of which only the higher id can dial links late.
   */
  readonly dialGraceMs: number
  /** Links wanted at most; members beyond it are left out, those that are gone first. Default 11,000: every member that membership remembers. */
  readonly maxLinks: number
}

export class FullMesh implements Overlay {
  readonly name = 'full-mesh'
  readonly capacity: number

  constructor(self: MemberId, options: FullMeshOptions = { dialGraceMs: 500, maxLinks: 11_000 }) {
    invariant(self !== '', 'a member has an id')
    this.capacity = options.maxLinks
  }

  step(_input: OverlayInput<never>, _now: number): readonly OverlayEffect<never, never>[] {
    return []
  }

  neighbors(): readonly MemberId[] {
    return []
  }

  nextHop(_to: MemberId): MemberId | undefined {
    return undefined
  }
}
