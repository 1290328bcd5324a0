// What a cluster looks like to the adviser: figures that its driver has measured, and those that follow from them.

/** Measured over the adviser's window: by the member that asks, and by as many others as it asked. */
export interface Situation {
  /** Members that are alive or suspect, this one included. */
  readonly members: number
  /** Of these, that declare the role `server`, and `client`. */
  readonly servers: number
  readonly clients: number
  /** User messages that a member sends, a second, on average. */
  readonly messagesPerSecond: number
  /** Different members that a member sends to, on average. */
  readonly fanOut: number
  /** Members that join, leave or go down, a minute, in the whole cluster. */
  readonly churnPerMinute: number
  /** Memory that a link takes at one end, bytes. */
  readonly linkBytes: number
  /** CPU time that making a link takes at one end, milliseconds. */
  readonly linkMs: number
}

/** Figures that rules speak of. */
export const figureNames = [
  'members',
  'servers',
  'clients',
  'messagesPerSecond',
  'fanOutShare',
  'churnPerMinute',
  'meshMebibytes',
  'meshChurnCpuShare',
] as const

/** A figure that rules speak of. */
export type FigureName = (typeof figureNames)[number]
/** All of them, measured or derived. */
export type Figures = Readonly<Record<FigureName, number>>

/**
 * `fanOutShare`: of the others, how many a member sends to. `mesh…`: what a full mesh costs or would cost each member.
 */
export function figuresOf(situation: Situation): Figures {
  const { members, servers, clients, messagesPerSecond, fanOut, churnPerMinute, linkBytes, linkMs } = situation
  const others = Math.max(0, members - 1)
  return {
    members,
    servers,
    clients,
    messagesPerSecond,
    fanOutShare: others === 0 ? 0 : Math.min(1, fanOut / others),
    churnPerMinute,
    meshMebibytes: (others * linkBytes) / 2 ** 20,
    // Each member that comes makes a link to everybody, and everybody one to it.
    meshChurnCpuShare: (churnPerMinute * linkMs) / 60_000,
  }
}
