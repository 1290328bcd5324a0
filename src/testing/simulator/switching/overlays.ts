// The overlays that simulated members know, by name: those of every node.

import type { OverlayDefinition } from '../../../../topology/index.ts'
import { builtInOverlays } from '../../../membership/built-in-overlays.ts'

export const definitions: ReadonlyMap<string, OverlayDefinition<unknown>> = new Map(
  builtInOverlays.map((definition) => [definition.name, definition]),
)
