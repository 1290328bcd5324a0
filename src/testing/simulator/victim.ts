// What faults can do to a simulated machine, and what they may know of it.

import type { Configuration, Reconfiguration } from '../../../consensus/index.ts'

/** A node as the faults see it. */
export interface Victim {
  readonly id: string
  readonly index: number
  /** The process exists. */
  readonly isUp: boolean
  /** It said goodbye, and its process is about to end. */
  readonly isLeaving: boolean
  /** It leads, or acts as S5: the most interesting one to hit. */
  readonly isLeading: boolean
  start(): void
  /** `kill -9`: the kernel closes its links. */
  kill(): void
  /** Nobody is told, and the clocks begin anew. */
  losePower(): void
  /** Says goodbye, and stops. */
  leave(): void
  /** SIGSTOP and SIGCONT: the process stands still, its clocks do not. */
  stopProcess(): void
  continueProcess(): void
  /** The whole machine stands still, and its monotonic clock with it. */
  suspendMachine(): void
  resumeMachine(): void
  jumpWallClock(byMs: number): void
  /** Starts anew with that release, if it is a later one. */
  upgrade(level: number): void
  setClockRate(rate: number): void
  /** It believes that it leads: it is asked to hand over, or to change the voters. */
  transfer(to: string | undefined): void
  reconfigure(change: Reconfiguration): void
  /** The log it holds, as it would survive a crash. */
  readonly storeId: string
  readonly configuration: Configuration | undefined
  durableConfiguration(): Configuration | undefined
  leadsTerm(): number | undefined
  /** The process dies, and its log is lost. */
  wipe(): void
}
