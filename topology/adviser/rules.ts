// The adviser's rules, as data: the first whose conditions all hold decides. `docs/topologies.md` shows the same table
// to people, and a test compares the two. Thresholds that are not measured are called guesses.

import type { FigureName } from './situation.ts'

/** One figure against one threshold. */
export interface Condition {
  readonly figure: FigureName
  readonly is: 'at-least' | 'at-most'
  readonly value: number
  /** A fact, not a measurement: no margin is kept around it. */
  readonly isExact?: boolean
}

/** `topology` is recommended when all conditions hold; without one, what there is stays. */
export interface AdviceRule {
  readonly name: string
  readonly topology: string | undefined
  readonly conditions: readonly Condition[]
  /** One sentence for people. */
  readonly because: string
}

/** In order; the last one always holds. */
export const adviceRules: readonly AdviceRule[] = [
  {
    name: 'declared-roles',
    topology: 'client-server',
    conditions: [
      { figure: 'servers', is: 'at-least', value: 1, isExact: true },
      { figure: 'clients', is: 'at-least', value: 1, isExact: true },
    ],
    because: 'members have said who serves and who is served',
  },
  {
    name: 'small',
    topology: 'full-mesh',
    conditions: [{ figure: 'members', is: 'at-most', value: 20 }],
    because: 'so few members can all be linked, and nothing is quicker than one hop',
  },
  {
    name: 'joins-cost-too-much',
    topology: 'hyparview',
    conditions: [{ figure: 'meshChurnCpuShare', is: 'at-least', value: 0.02 }],
    because: 'members come and go so often that linking each with everybody takes 2 % of a processor or more',
  },
  {
    name: 'links-cost-too-much',
    topology: 'hyparview',
    conditions: [{ figure: 'meshMebibytes', is: 'at-least', value: 32 }],
    because: 'links to everybody take 32 MiB of each member or more',
  },
  {
    name: 'everybody-talks-to-everybody',
    topology: 'full-mesh',
    conditions: [
      { figure: 'members', is: 'at-most', value: 100 },
      { figure: 'fanOutShare', is: 'at-least', value: 0.5 },
      { figure: 'messagesPerSecond', is: 'at-least', value: 50 },
    ],
    because: 'most members send to most others, and each message would be relayed several times',
  },
  {
    name: 'large',
    topology: 'hyparview',
    conditions: [{ figure: 'members', is: 'at-least', value: 50 }],
    because: 'links of a full mesh grow with the square of the members, and few of them are used',
  },
  {
    name: 'nothing-to-gain',
    topology: undefined,
    conditions: [],
    because: 'no topology is clearly better than the one there is',
  },
]
