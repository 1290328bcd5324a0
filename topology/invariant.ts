// A broken invariant is a bug in this folder, never the fault of a peer or a user. Nothing recovers from it: the member
// stops.

/** Thrown by {@link invariant}; carries no code, for nobody should handle it. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Stops the member when `condition` is false. `text` says what should have held. */
export function invariant(condition: unknown, text: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${text}`)
}
