// The members as a graph. Whatever draws it, above the drawing lies one button per member, at its place: they are what
// the mouse, the keyboard and assistive technology meet.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Picture, sentenceOf } from '../model.ts'
import { markRadius, roomForNames } from '../slots.ts'
import { CanvasDrawing } from './canvas-drawing.tsx'
import { Layout } from './layout.ts'
import { maxLabelled, type Placed, type Scene } from './scene.ts'
import { SvgDrawing } from './svg-drawing.tsx'

/** Room for labels and for members that stand outside. */
const marginPx = { few: 78, many: 52 }
/** Of the width: a narrow screen has little to spare. */
const maxMargin = 0.13
const minTargetPx = 20
/** Many members use the width that there is, up to this much more than the height. */
const maxStretch = 1.35

export interface GraphProps {
  readonly picture: Picture
  readonly selected: string | undefined
  readonly onSelect: (id: string | undefined) => void
}

export function Graph({ picture, selected, onSelect }: GraphProps) {
  const stage = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState<{ width: number; height: number }>()
  const [pointed, setPointed] = useState<string>()
  const [, redraw] = useState(0)
  const layout = useMemo(() => new Layout(() => redraw((count) => count + 1)), [])
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      setSize({ width: Math.round(width), height: Math.round(height) })
    })
    observer.observe(stage.current!)
    return () => {
      observer.disconnect()
      layout.stop()
    }
  }, [layout])

  const { dots } = picture
  let letters = 0
  if (size) {
    const wanted = markRadius(dots.length) > 13 ? marginPx.few : marginPx.many
    const margin = Math.min(wanted, size.width * maxMargin)
    const [across, down] = [size.width / 2 - margin, size.height / 2 - margin]
    const radius = Math.max(60, Math.min(across, down))
    const stretch = Math.min(maxStretch, Math.max(1, across / radius))
    layout.update(dots, radius, stretch)
    letters = roomForNames(dots.length, radius, stretch)
  }
  const placed = dots.flatMap((dot): Placed[] => {
    const body = layout.at(dot.member.id)
    return body ? [{ dot, body }] : []
  })
  const scene: Scene | undefined = size && {
    ...size,
    picture,
    placed,
    letters,
    active: pointed ?? selected,
    isMoving: layout.isMoving,
  }
  const kind = dots.length <= maxLabelled ? 'svg' : 'canvas'
  return (
    <div class="stage" ref={stage} data-drawing={kind} data-moving={layout.isMoving}>
      {scene && (kind === 'svg' ? <SvgDrawing scene={scene} /> : <CanvasDrawing scene={scene} />)}
      {scene &&
        placed.map(({ dot, body }) => {
          const across = Math.max(minTargetPx, body.radius * 2 + 10)
          const style = {
            width: `${across}px`,
            height: `${across}px`,
            transform: `translate(${body.x + (scene.width - across) / 2}px, ${body.y + (scene.height - across) / 2}px)`,
          }
          const point = (): void => setPointed(body.id)
          const unpoint = (): void => setPointed(undefined)
          return (
            <button
              key={body.id}
              type="button"
              class="member"
              data-member={dot.member.name}
              aria-label={sentenceOf(dot)}
              aria-expanded={selected === body.id}
              title={dots.length > maxLabelled || dot.member.name.length > letters ? sentenceOf(dot) : undefined}
              style={style}
              onClick={() => onSelect(body.id)}
              onKeyDown={walk}
              onFocus={point}
              onBlur={unpoint}
              onPointerEnter={point}
              onPointerLeave={unpoint}
            />
          )
        })}
    </div>
  )
}

/** Arrow keys walk the members too, round and round. */
function walk(event: KeyboardEvent): void {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
  if (by === undefined) return
  const stage = (event.currentTarget as Element).parentElement!
  const buttons = [...stage.querySelectorAll('button')]
  const at = buttons.indexOf(event.target as HTMLButtonElement)
  event.preventDefault()
  buttons[(at + by + buttons.length) % buttons.length]?.focus()
}
