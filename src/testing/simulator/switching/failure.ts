// How a simulation of switches says that something does not hold.

/** Thrown by an invariant that does not hold. */
export class SwitchingFailure extends Error {
  override readonly name = 'SwitchingFailure'
}
