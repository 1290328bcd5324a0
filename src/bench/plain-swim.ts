// What membership is compared with: SWIM without Lifeguard, its times those of memberlist's LAN defaults.

import { resolveSwimOptions, type SwimOptions } from '../../topology/index.ts'

export const plainSwim: SwimOptions = resolveSwimOptions({
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  suspicionMultiplier: 4,
  maxSuspicionMultiplier: 1,
  localHealthMax: 0,
  maxLoopDelayMs: 0,
})
