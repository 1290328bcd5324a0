// Time for everything that acts. Durations are measured on the monotonic clock alone; wall and boot clocks are read only
// to notice that the machine was suspended, which stops the monotonic one on Linux.

import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'

export interface Clock {
  /** Milliseconds of a clock that never jumps; it stands still while the machine is suspended. */
  now(): number
  /** Milliseconds since 1970, as people see it; steps when somebody sets the clock. */
  wall(): number
  /** Milliseconds since boot, suspension included. */
  boot(): number
}

/** The clocks of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  boot: () => uptime() * 1000,
}
