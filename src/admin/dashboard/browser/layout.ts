// Moves the members of the picture to where they are at home: a simulation of springs (d3-force) that keeps marks apart
// and comes to rest. Whoever asked the system for less motion gets the end of the movement at once.

import { forceCollide, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force'
import type { Dot } from '../model.ts'
import { markRadius, type Slot, slots } from '../slots.ts'

export interface Body extends SimulationNodeDatum {
  readonly id: string
  x: number
  y: number
  home: Slot
  radius: number
}

const settlingTicks = 200
/** New members come from the middle when the page opens, and from outside later. */
const bloomFrom = 0.3
const joinFrom = 1.5

export class Layout {
  readonly #bodies = new Map<string, Body>()
  readonly #lessMotion = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #x = forceX<Body>((body) => body.home.x).strength(0.12)
  readonly #y = forceY<Body>((body) => body.home.y).strength(0.12)
  readonly #apart = forceCollide<Body>((body) => body.radius + 2).strength(0.5)
  readonly #simulation = forceSimulation<Body>([])
    .force('x', this.#x)
    .force('y', this.#y)
    .force('apart', this.#apart)
    .velocityDecay(0.32)
    .alphaDecay(0.05)
    .alphaMin(0.005)
    .stop()
  #homes = ''

  constructor(onMove: () => void) {
    this.#simulation.on('tick', onMove).on('end', onMove)
  }

  get isMoving(): boolean {
    return this.#simulation.alpha() > this.#simulation.alphaMin()
  }

  at(id: string): Body | undefined {
    return this.#bodies.get(id)
  }

  /** Says who is there, and within what radius, how much wider than high. Nothing moves when no home has changed. */
  update(dots: readonly Dot[], radius: number, stretch: number): void {
    const homes = slots(dots, radius, stretch)
    const said = JSON.stringify([...homes])
    if (said === this.#homes) return
    const from = this.#homes === '' ? bloomFrom : joinFrom
    this.#homes = said
    for (const id of this.#bodies.keys()) if (!homes.has(id)) this.#bodies.delete(id)
    for (const [id, home] of homes) {
      const body = this.#bodies.get(id) ?? { id, x: home.x * from, y: home.y * from, home, radius: 0 }
      body.home = home
      body.radius = markRadius(dots.length, radius)
      this.#bodies.set(id, body)
    }
    this.#simulation.nodes([...this.#bodies.values()])
    // The forces have read the homes of before.
    this.#x.x((body) => body.home.x)
    this.#y.y((body) => body.home.y)
    this.#apart.radius((body) => body.radius + 2)
    this.#simulation.alpha(1)
    if (this.#lessMotion.matches) this.#simulation.stop().tick(settlingTicks)
    else this.#simulation.restart()
  }

  stop(): void {
    this.#simulation.on('tick', null).on('end', null).stop()
  }
}
