// Where the resident bytes of a process are: what it asked its C library for is told from V8's heap by the shape of its
// mappings in /proc/self/smaps. glibc's first arena is `[heap]`; each further one begins at a multiple of 64 MiB,
// written to up to where it has grown and out of bounds from there to the next multiple (glibc malloc/arena.c,
// HEAP_MAX_SIZE).

import { readFileSync } from 'node:fs'

const arenaBytes = 64 * 1_048_576

interface Mapping {
  readonly from: number
  readonly to: number
  readonly access: string
  readonly name: string
  residentBytes: number
}

/**
 * Of this process: what its C library's arenas hold of the machine's memory, whether it is in use or kept for later; 0
 * where there is no /proc.
 */
export function arenasResident(): number {
  return process.platform === 'linux' ? arenasResidentIn(readFileSync('/proc/self/smaps', 'utf8')) : 0
}

export function arenasResidentIn(smaps: string): number {
  const mappings = mappingsOf(smaps)
  return mappings.reduce(
    (sum, mapping, i) => (isArena(mapping, mappings[i + 1]) ? sum + mapping.residentBytes : sum),
    0,
  )
}

function mappingsOf(smaps: string): readonly Mapping[] {
  const mappings: Mapping[] = []
  for (const line of smaps.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line)
    if (head) {
      const [from, to] = [Number.parseInt(head[1]!, 16), Number.parseInt(head[2]!, 16)]
      mappings.push({ from, to, access: head[3]!, name: head[4]!, residentBytes: 0 })
    }
    const resident = /^Rss:\s+(\d+) kB$/.exec(line)
    if (resident) mappings.at(-1)!.residentBytes = Number(resident[1]) * 1_024
  }
  return mappings
}

function isArena({ from, to, access, name }: Mapping, next: Mapping | undefined): boolean {
  if (name === '[heap]') return true
  if (name !== '' || access !== 'rw-p' || from % arenaBytes !== 0) return false
  const end = from + arenaBytes
  return to === end || (next?.from === to && next.access === '---p' && next.to === end)
}
