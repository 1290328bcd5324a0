// The picture on a canvas, for more members than SVG moves smoothly. The links of the others are tens of thousands in a
// large mesh: they are drawn once the members are at rest, a slice a frame, on a layer of their own.

import { useEffect, useRef } from 'preact/hooks'
import { type Palette, paintLabel, paintMark, palette } from './canvas-marks.ts'
import { isNotable, type Line, otherLines, type Scene } from './scene.ts'

/** Above, nobody could tell the links apart. */
const maxLines = 60_000
const linesPerFrame = 4_000
/** Of the way to where an opacity is bound, a frame. */
const easing = 0.12

export function CanvasDrawing({ scene }: { readonly scene: Scene }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const painter = useRef<Painter>(undefined)
  useEffect(() => {
    const made = new Painter(canvas.current!)
    painter.current = made
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const repaint = (): void => made.forgetMesh()
    dark.addEventListener('change', repaint)
    return () => {
      dark.removeEventListener('change', repaint)
      made.stop()
    }
  }, [])
  useEffect(() => painter.current?.show(scene))
  return (
    <div aria-hidden="true">
      <canvas ref={canvas} class="drawing" data-mesh="waiting" />
    </div>
  )
}

/** A canvas has no double line: links that are only pinned are long dashes. */
const dashes = { overlay: [], pinned: [12, 3], 'on-demand': [2, 4] }

class Painter {
  readonly #canvas: HTMLCanvasElement
  readonly #mesh = document.createElement('canvas')
  readonly #opacity = new Map<string, number>()
  #scene: Scene | undefined
  #frame: number | undefined
  /** Links of the others; undefined: those of this scene have not been begun. */
  #lines: Line[] | undefined
  #drawn = 0
  #meshKey = ''
  #meshOf: Scene['picture']['otherLinks'] | undefined
  #meshOpacity = 0

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
  }

  show(scene: Scene): void {
    this.#scene = scene
    const states = scene.placed.map(({ body, dot }) => body.id + dot.member.state).join()
    const key = `${states} ${scene.width} ${scene.height}`
    const { otherLinks } = scene.picture
    if (key !== this.#meshKey || otherLinks !== this.#meshOf || scene.isMoving) this.forgetMesh()
    this.#meshKey = key
    this.#meshOf = otherLinks
    this.#request()
  }

  forgetMesh(): void {
    this.#lines = undefined
    this.#canvas.dataset.mesh = 'waiting'
    this.#request()
  }

  stop(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#scene = undefined
  }

  #request(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined
      if (this.#scene) this.#paint(this.#scene)
    })
  }

  #paint(scene: Scene): void {
    const context = this.#fit(this.#canvas, scene)
    const colours = palette(this.#canvas)
    let isUnrest = this.#growMesh(scene, colours)
    const bound = this.#lines === undefined ? 0 : 1
    this.#meshOpacity += (bound - this.#meshOpacity) * easing
    if (Math.abs(bound - this.#meshOpacity) > 0.01) isUnrest = true
    context.save()
    context.globalAlpha = this.#meshOpacity
    context.setTransform(1, 0, 0, 1, 0, 0)
    if (this.#mesh.width > 0) context.drawImage(this.#mesh, 0, 0)
    context.restore()
    if (this.#paintLinks(context, scene, colours)) isUnrest = true
    for (const each of scene.placed) paintMark(context, each, colours, each.body.id === scene.active)
    for (const each of scene.placed)
      if (isNotable(each.dot) || each.dot.isVoter || each.body.id === scene.active) paintLabel(context, each, colours)
    if (isUnrest) this.#request()
    else if (this.#lines !== undefined) this.#canvas.dataset.mesh = 'drawn'
  }

  /** True while there is more to draw. */
  #growMesh(scene: Scene, colours: Palette): boolean {
    if (scene.isMoving) return false
    const isBegun = this.#lines !== undefined
    const context = isBegun ? this.#mesh.getContext('2d')! : this.#fit(this.#mesh, scene)
    if (!isBegun) {
      this.#lines = scene.picture.otherLinks.length <= maxLines ? otherLines(scene) : []
      this.#drawn = 0
    }
    const lines = this.#lines!
    const faintness = lines.length > scene.placed.length * 10 ? 12 / scene.placed.length : 0.7
    const slice = lines.slice(this.#drawn, this.#drawn + linesPerFrame)
    this.#drawn += slice.length
    for (const { link, from, to } of slice) {
      const isMissing = link.state === 'missing'
      context.strokeStyle = isMissing ? colours.warn : colours.expected
      context.lineWidth = link.state === 'up' ? 0.9 : 0.6
      context.globalAlpha = isMissing ? 0.8 : Math.min(0.7, faintness)
      context.setLineDash(isMissing ? [3, 6] : dashes[link.kind])
      stroke(context, from.body, to.body)
    }
    return this.#drawn < lines.length
  }

  /** This node's own links; true while one of them appears or fades. */
  #paintLinks(context: CanvasRenderingContext2D, { placed, active }: Scene, colours: Palette): boolean {
    const self = placed.find(({ dot }) => dot.isSelf)
    if (!self) return false
    let isUnrest = false
    for (const { dot, body } of placed) {
      const bound = dot.ownLink === 'none' ? 0 : 1
      const before = this.#opacity.get(body.id) ?? 0
      const now = Math.abs(bound - before) < 0.01 ? bound : before + (bound - before) * easing
      this.#opacity.set(body.id, now)
      if (now !== bound) isUnrest = true
      if (dot.isSelf || now === 0) continue
      const isMissing = dot.ownLink === 'missing'
      context.globalAlpha = now * (isMissing || body.id === active ? 0.95 : Math.min(0.9, 90 / placed.length))
      context.strokeStyle = isMissing ? colours.warn : colours.accent
      context.lineWidth = body.id === active ? 2.4 : 1
      context.setLineDash(isMissing ? [5, 5] : dashes[dot.link?.kind ?? 'overlay'])
      stroke(context, self.body, body)
    }
    context.globalAlpha = 1
    context.setLineDash([])
    return isUnrest
  }

  /** Makes the canvas as large as the scene, in device pixels, empty, with (0, 0) in the middle. */
  #fit(canvas: HTMLCanvasElement, { width, height }: Scene): CanvasRenderingContext2D {
    const ratio = devicePixelRatio || 1
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high })
    const context = canvas.getContext('2d')!
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, wide, high)
    context.setTransform(ratio, 0, 0, ratio, wide / 2, high / 2)
    return context
  }
}

function stroke(context: CanvasRenderingContext2D, a: { x: number; y: number }, b: { x: number; y: number }): void {
  context.beginPath()
  context.moveTo(a.x, a.y)
  context.lineTo(b.x, b.y)
  context.stroke()
}
