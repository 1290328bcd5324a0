// What can be broken on purpose in the simulation of switches, to see that it is noticed.

/**
 * `impatient-member`: takes silence for an abort. `unverified-commit`: every member says at once that it is prepared
 * and reached. `nobody-adopts-late`: what was agreed while a member was away does not reach it.
 */
export type SwitchBug = 'impatient-member' | 'unverified-commit' | 'nobody-adopts-late'

export const switchBugs: readonly SwitchBug[] = ['impatient-member', 'unverified-commit', 'nobody-adopts-late']
