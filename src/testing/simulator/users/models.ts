// What config, a counter and the agreed topology do when one user has them alone, written anew in a few lines: a
// history is checked against these, not against the machine that made it.

import type { Model } from '../../linearizability.ts'

/**
 * Each value is written once, so a revision is as good as the value that it stands for: `expected` is what the user had
 * seen.
 */
export type ConfigCall =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'set'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  | {
      readonly type: 'compare-and-set'
      readonly key: string
      readonly expected: string | undefined
      readonly value: string
    }
  /** If `key` is there, `value` goes to both of `both`, else to `key`. */
  | { readonly type: 'transaction'; readonly key: string; readonly both: readonly string[]; readonly value: string }

/** The value that was read; else whether the key was there, the condition held. */
export type ConfigAnswer = string | boolean | undefined

type ConfigState = Readonly<Record<string, string | undefined>>

export const configModel: Model<ConfigState, ConfigCall, ConfigAnswer> = {
  initial: {},
  step: (state, call) => {
    const before = state[call.key]
    switch (call.type) {
      case 'get':
        return { state, reply: before }
      case 'set':
        return { state: { ...state, [call.key]: call.value }, reply: true }
      case 'delete':
        return { state: { ...state, [call.key]: undefined }, reply: before !== undefined }
      case 'compare-and-set':
        if (before !== call.expected) return { state, reply: false }
        return { state: { ...state, [call.key]: call.value }, reply: true }
      case 'transaction': {
        if (before === undefined) return { state: { ...state, [call.key]: call.value }, reply: false }
        return { state: { ...state, ...Object.fromEntries(call.both.map((key) => [key, call.value])) }, reply: true }
      }
    }
  },
  textOf: (state) =>
    Object.keys(state)
      .sort()
      .map((key) => `${key}=${state[key] ?? ''}`)
      .join(),
  isSame: (one, other) => one === other,
}

/** `by` 0: a read. */
export interface CountCall {
  readonly by: number
}

export const counterModel: Model<number, CountCall, number> = {
  initial: 0,
  step: (state, { by }) => ({ state: state + by, reply: state + by }),
  textOf: String,
  isSame: (one, other) => one === other,
}

/** A switch goes by the request that proposed it. */
export type TopologyCall =
  | { readonly type: 'look' }
  | { readonly type: 'propose'; readonly epoch: number; readonly to: string; readonly request: string }
  | { readonly type: 'commit' | 'abort'; readonly request: string }

interface TopologyState {
  readonly epoch: number
  readonly name: string
  readonly underWay: { readonly request: string; readonly to: string } | undefined
}

export const topologyModel: Model<TopologyState, TopologyCall, string> = {
  initial: { epoch: 0, name: 'full-mesh', underWay: undefined },
  step: (state, call) => {
    const { epoch, name, underWay } = state
    switch (call.type) {
      case 'look':
        return { state, reply: topologyText(epoch, name, underWay?.request) }
      case 'propose':
        if (underWay !== undefined) return { state, reply: 'switch-in-progress' }
        if (call.epoch !== epoch || call.to === name) return { state, reply: 'topology-moved' }
        return { state: { epoch, name, underWay: { request: call.request, to: call.to } }, reply: 'ok' }
      case 'commit':
      case 'abort': {
        if (underWay?.request !== call.request) return { state, reply: 'no-such-switch' }
        const isCommitted = call.type === 'commit'
        const after = isCommitted ? { epoch: epoch + 1, name: underWay.to } : { epoch, name }
        return { state: { ...after, underWay: undefined }, reply: 'ok' }
      }
    }
  },
  textOf: ({ epoch, name, underWay }) => topologyText(epoch, name, underWay?.request),
  isSame: (one, other) => one === other,
}

export function topologyText(epoch: number, name: string, request: string | undefined): string {
  return `${epoch} ${name} ${request ?? ''}`
}
