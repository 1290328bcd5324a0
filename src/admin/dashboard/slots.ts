// Where members are at home in the picture, around (0, 0): few on one ring, many with the voters on an inner ring and
// the others on rings around it, neighbours in zone and name side by side. The forces of `browser/layout.ts` pull
// there, so the same cluster has the same picture on every page, and a change moves only what has changed.

import { type Dot, isPresent } from './model.ts'

export interface Slot {
  readonly x: number
  readonly y: number
}

/** Up to so many, all stand on one ring. */
const oneRing = 14
/** Up to so many, it is round whatever room there is. */
const roundRing = 6
/** Members that are gone stand outside of a single ring, so that a glance finds them. */
const outside = 1.17
/** From the centre, as parts of the radius: the voters, and the first ring of the others. */
const voterRing = 0.22
const firstRing = 0.44

/** Of the way to the next on a small ring: what remains is for the name below. */
const markShare = 0.3
/** In pixels, how wide a letter of a name is below a large and below a small mark. */
const letter = { large: 8, small: 6.4 }
/** Names of which less could be read are left out. */
const fewestLetters = 7

/** The radius of a member's mark, in pixels, within a picture of `radius`. */
export function markRadius(count: number, radius = Number.POSITIVE_INFINITY): number {
  if (count > oneRing) return count <= 60 ? 13 : count <= 150 ? 8 : 6
  const least = Math.min(count <= 6 ? 30 : 24, apart(count, radius) * markShare)
  return Math.round(least)
}

/** How many letters of a name have room below a mark; 0: none has. */
export function roomForNames(count: number, radius: number, stretch = 1): number {
  const isRing = count <= oneRing
  // Only on top of a ring and below it neighbours are beside each other.
  const width = isRing ? apart(count, radius) * 1.3 : Math.sqrt((Math.PI * radius ** 2 * stretch) / count)
  const letters = Math.floor(width / (markRadius(count, radius) < 20 ? letter.small : letter.large))
  return letters < fewestLetters && !isRing ? 0 : Math.max(fewestLetters, letters)
}

/** From one to the next on a single ring. */
function apart(count: number, radius: number): number {
  return count === 1 ? 2 * radius : 2 * Math.sin(Math.PI / count) * (radius / outside)
}

/**
 * Slots by member id within a circle of `radius` pixels; where there are many, it becomes an ellipse `stretch` times as
 * wide. `dots` in the order in which they are to stand.
 */
export function slots(dots: readonly Dot[], radius: number, stretch = 1): Map<string, Slot> {
  const found = new Map<string, Slot>()
  const place = ({ member }: Dot, index: number, count: number, at: number): void => {
    // The first stands on top; two stand side by side.
    const angle = (index / count) * 2 * Math.PI - (count === 2 ? Math.PI : Math.PI / 2)
    found.set(member.id, { x: Math.cos(angle) * at, y: Math.sin(angle) * at })
  }
  if (dots.length <= oneRing) {
    const ring = dots.length === 1 ? 0 : dots.length === 2 ? radius * 0.6 : radius / outside
    dots.forEach((dot, index) => {
      place(dot, index, dots.length, isPresent(dot.member) ? ring : ring * outside)
    })
    return dots.length <= roundRing ? found : stretched(found, stretch)
  }
  const voters = dots.filter(({ isVoter }) => isVoter)
  voters.forEach((dot, index) => {
    place(dot, index, voters.length, voters.length === 1 ? 0 : radius * voterRing)
  })
  const others = dots.filter(({ isVoter }) => !isVoter)
  let next = 0
  for (const [number, { at, count }] of rings(others.length, radius).entries()) {
    const members = others.slice(next, next + count)
    // Every other ring is turned by half a step: marks stand in the gaps of the ring inside.
    members.forEach((dot, index) => {
      place(dot, index + (number % 2) / 2, members.length, at)
    })
    next += count
  }
  return stretched(found, stretch)
}

function stretched(found: ReadonlyMap<string, Slot>, stretch: number): Map<string, Slot> {
  return new Map([...found].map(([id, { x, y }]) => [id, { x: x * stretch, y }]))
}

/** As few rings as keep neighbours on a ring no closer than the rings themselves; each gets its share by length. */
function rings(count: number, radius: number): { readonly at: number; readonly count: number }[] {
  let distances = [radius]
  for (let needed = 2; needed <= 12; needed += 1) {
    const gap = distances.length === 1 ? radius * 0.3 : distances[1]! - distances[0]!
    const fits = distances.reduce((sum, at) => sum + Math.floor((2 * Math.PI * at) / gap), 0)
    if (fits >= count) break
    distances = Array.from(
      { length: needed },
      (_, index) => radius * (firstRing + ((1 - firstRing) * index) / (needed - 1)),
    )
  }
  const length = distances.reduce((sum, at) => sum + at, 0)
  let before = 0
  let walked = 0
  return distances.map((at) => {
    walked += at
    const upTo = Math.round((count * walked) / length)
    const share = upTo - before
    before = upTo
    return { at, count: share }
  })
}
