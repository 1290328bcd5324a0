// Rolling upgrades: what a later release has added to the log is not proposed until every voter can apply it. Each
// release has a level, and so has each command: that of the release that brought it. The level in use is agreed in the
// log itself. A leader raises it when everybody who holds the log has shown, over a link that is up now, that it can
// apply that much; from then on nobody of a lower level becomes a voter or learner. It never falls.
//
//   level 1 ── all who hold the log show 2 or more: `agree-level` ──▶ level 2 ── … ──▶ own level
//
// A member shows its level in its handshake. Whoever cannot be asked may be of any release, so the level waits for it.

import { isJoint, membersOf } from './configuration.ts'
import type { RaftView } from './core.ts'
import type { ClusterCommand } from './machines/commands.ts'
import type { VoterId } from './types.ts'

/** Which release can apply what. */
export interface FeatureLevels {
  /** Of this release. */
  readonly own: number
  /** Of the release that brought commands of this type; 1: the first. */
  of(type: ClusterCommand['type']): number
}

/** Of the first release, which does not show any. */
export const FIRST_LEVEL = 1

const later: Readonly<Partial<Record<ClusterCommand['type'], number>>> = { 'agree-level': 2, dissolve: 2 }

/** The levels of this release. */
export const featureLevels: FeatureLevels = Object.freeze<FeatureLevels>({
  own: 2,
  of: (type) => later[type] ?? FIRST_LEVEL,
})

/** The level that a machine must have agreed on before `command` is proposed; what a session wraps counts. */
export function levelOf(command: ClusterCommand, levels: FeatureLevels = featureLevels): number {
  const level = levels.of(command.type)
  return command.type === 'in-session' ? Math.max(level, levels.of(command.command.type)) : level
}

/** Whether a leader whose machine has agreed on the level `agreed` may propose `command`. */
export function mayPropose(command: ClusterCommand, agreed: number, levels: FeatureLevels = featureLevels): boolean {
  // Who raises the level has asked everybody: see `nextLevel`.
  return command.type === 'agree-level' ? command.level <= levels.own : levelOf(command, levels) <= agreed
}

/** What the leader knows when it is asked. */
export interface LevelFacts {
  readonly self: VoterId
  readonly view: Pick<RaftView, 'role' | 'term' | 'settled' | 'configuration' | 'configurationSettled'>
  /** Of the last entry that the machine has seen. */
  readonly appliedTerm: number
  /** What the machine has agreed on. */
  readonly agreed: number
  /** The level that a member shows at this moment; undefined: it cannot be asked. */
  readonly levelOf: (id: VoterId) => number | undefined
}

/**
 * The level to propose; undefined: there is nothing to raise, or not now, or not by this member. While a proposal is
 * under way nobody else may begin to hold the log.
 */
export function nextLevel(
  { self, view, appliedTerm, agreed, levelOf: shown }: LevelFacts,
  levels: FeatureLevels = featureLevels,
): number | undefined {
  if (view.role !== 'leader' || !view.settled || appliedTerm !== view.term) return undefined
  if (!view.configurationSettled || isJoint(view.configuration)) return undefined
  const holders = membersOf(view.configuration)
  const common = Math.min(...holders.map((id) => (id === self ? levels.own : (shown(id) ?? 0))), levels.own)
  return common > agreed ? common : undefined
}
