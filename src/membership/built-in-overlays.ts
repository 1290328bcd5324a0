// The overlays that every node knows by name, each with the codec of its messages. Those that a user brings stand
// beside them.

import { clientServer, fullMesh, hyParView, type OverlayDefinition } from '../../topology/index.ts'
import { hyParViewCodec } from '../wire/hyparview.ts'

export const builtInOverlays: readonly OverlayDefinition<unknown>[] = [
  fullMesh,
  clientServer,
  { ...hyParView, codec: hyParViewCodec },
]
