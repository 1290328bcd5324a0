// What the panels below the picture write: figures as words, the rate between two looks, and config as a bounded list
// that follows its changes. Pure, so that tests need no browser; `browser/` asks the API and draws it.

import type { ChannelStats } from '../../channels/channel.ts'
import type { ConfigEntry, ConfigEvent } from '../../coordination/config-interface.ts'

/** What one panel keeps, whatever the cluster holds. */
export const maxShownEntries = 200
export const maxShownCharacters = 4_000
/** Looks at the channels that a curve shows. */
export const maxLooks = 60

export function numberText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 1 })
}

export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${numberText(bytes)} B`
  if (bytes < 1_000_000) return `${numberText(bytes / 1_000)} kB`
  return bytes < 1_000_000_000 ? `${numberText(bytes / 1_000_000)} MB` : `${numberText(bytes / 1_000_000_000)} GB`
}

export function millisecondsText(ms: number): string {
  return ms < 10_000 ? `${numberText(ms)} ms` : `${numberText(ms / 1_000)} s`
}

export function latencyText({ count, p50Ms, p99Ms, maxMs }: ChannelStats['latency']): string {
  if (p50Ms === undefined || p99Ms === undefined || maxMs === undefined) return 'none measured'
  return `p50 ${millisecondsText(p50Ms)}, p99 ${millisecondsText(p99Ms)}, max ${millisecondsText(maxMs)}, of ${numberText(count)}`
}

export function droppedText(dropped: ChannelStats['dropped']): string {
  const some = Object.entries(dropped).filter(([, count]) => count > 0)
  return some.map(([reason, count]) => `${numberText(count)} ${reason}`).join(', ') || 'none'
}

/** Messages a second between two looks. */
export interface Rate {
  readonly sent: number
  readonly received: number
}

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly sent: number
  readonly received: number
}

/** Between each look and the one after it, the oldest first. */
export function rates(looks: readonly Look[]): Rate[] {
  return looks.slice(1).map((look, index) => {
    const before = looks[index]!
    const seconds = Math.max(0.001, (look.at - before.at) / 1_000)
    // A node that was started anew counts from 0.
    const per = (now: number, then: number): number => Math.max(0, now - then) / seconds
    return { sent: per(look.sent, before.sent), received: per(look.received, before.received) }
  })
}

/** An entry as it is shown: its value as text that is cut when it is long. */
export interface ShownEntry {
  readonly key: string
  readonly text: string
  /** Characters that were cut. */
  readonly cut: number
  readonly revision: number
  readonly createRevision: number
}

export interface ShownConfig {
  readonly entries: readonly ShownEntry[]
  /** Up to which everything is known here. */
  readonly revision: number
  /** There are more keys after the last one. */
  readonly isPartial: boolean
}

export function shownConfig(entries: readonly ConfigEntry[], revision: number, isPartial: boolean): ShownConfig {
  return bounded(entries.map(shownEntry), revision, isPartial)
}

/**
 * What is shown after one change; of keys behind the end of a list that is partial nothing is known, so they stay away.
 */
export function followChange({ entries, isPartial }: ShownConfig, event: ConfigEvent): ShownConfig {
  const last = entries.at(-1)
  if (isPartial && (last === undefined || event.key > last.key)) return { entries, isPartial, revision: event.revision }
  const others = entries.filter(({ key }) => key !== event.key)
  if (event.type === 'delete') return { entries: others, isPartial, revision: event.revision }
  const at = others.findIndex(({ key }) => key > event.key)
  return bounded(others.toSpliced(at < 0 ? others.length : at, 0, shownEntry(event)), event.revision, isPartial)
}

function bounded(entries: readonly ShownEntry[], revision: number, isPartial: boolean): ShownConfig {
  const isLong = entries.length > maxShownEntries
  return { entries: entries.slice(0, maxShownEntries), revision, isPartial: isPartial || isLong }
}

function shownEntry({ key, value, revision, createRevision }: ConfigEntry): ShownEntry {
  const text = JSON.stringify(value, undefined, 2)
  const cut = Math.max(0, text.length - maxShownCharacters)
  return { key, text: text.slice(0, maxShownCharacters), cut, revision, createRevision }
}
