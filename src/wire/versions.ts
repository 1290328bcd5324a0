// Which versions of the wire format this release speaks. The rule is in docs/wire-format.md, "Versions": release N
// speaks N and N-1, a link uses the largest version both ends speak, and within a version every byte is fixed.

/** The version this release prefers. */
export const PROTOCOL_VERSION = 1
/** The oldest version this release still speaks. */
export const OLDEST_PROTOCOL_VERSION = 1
/** Optional abilities, one bit each; a link has those that both ends have. None is defined yet. */
export const FEATURES = 0
