// The picture as SVG, for up to sixty members. Marks differ by shape; colour only repeats it. What can be pointed at
// lies above it (`graph.tsx`), so for assistive technology this is decoration.

import { useRef } from 'preact/hooks'
import type { Dot } from '../model.ts'
import { shortened } from '../words.ts'
import { crown, isNotable, type Line, monogram, otherLines, type Placed, remarks, type Scene } from './scene.ts'

/** More links of others than this become a path of each sort: as elements of their own, each can fade. */
const maxFadingLinks = 400
/** Links of this node that do not hide what lies below them. */
const maxThickLinks = 14
/** Of a name that stands alone. */
const notableLetters = 16

export function SvgDrawing({ scene }: { readonly scene: Scene }) {
  const { width, height, placed, active, letters } = scene
  const self = placed.find(({ dot }) => dot.isSelf)
  const isMany = placed.length > maxThickLinks
  return (
    <svg class="drawing" viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`} aria-hidden="true">
      <OtherLinks scene={scene} />
      {self &&
        placed
          .filter(({ dot }) => !dot.isSelf)
          .map(({ dot, body }) => (
            <Stroke
              key={body.id}
              class={`own ${dot.ownLink} ${isMany ? 'many' : ''} ${body.id === active ? 'touched' : ''}`}
              kind={dot.link?.kind}
              from={self}
              to={{ dot, body }}
            />
          ))}
      {placed.map((each) => (
        <Mark key={each.body.id} {...each} isActive={each.body.id === active} />
      ))}
      {placed
        .filter(({ dot, body }) => letters > 0 || isNotable(dot) || body.id === active)
        .map((each) => (
          <Label key={each.body.id} {...each} letters={letters || notableLetters} />
        ))}
    </svg>
  )
}

interface StrokeProps {
  readonly class: string
  readonly kind: string | undefined
  readonly from: Placed
  readonly to: Placed
}

/** Its kind shows in its shape: single, double (only pinned), dashed (on demand). */
function Stroke({ class: classes, kind = 'overlay', from, to }: StrokeProps) {
  const ends = { x1: from.body.x, y1: from.body.y, x2: to.body.x, y2: to.body.y }
  return (
    <g class={`${classes} ${kind}`}>
      <line {...ends} />
      {kind === 'pinned' && <line class="core" {...ends} />}
    </g>
  )
}

function OtherLinks({ scene }: { readonly scene: Scene }) {
  const { active } = scene
  const lines = otherLines(scene)
  const fading = useFading(lines)
  const isTouched = ({ from, to }: Line): boolean => from.body.id === active || to.body.id === active
  if (lines.length > maxFadingLinks) {
    const sorts = new Map<string, Line[]>()
    for (const line of lines) {
      const sort = `${line.link.state} ${line.link.kind} ${isTouched(line) ? 'touched' : ''}`
      sorts.set(sort, [...(sorts.get(sort) ?? []), line])
    }
    return (
      <>
        {[...sorts].map(([sort, of]) => (
          <path key={sort} class={`other many ${sort}`} d={pathOf(of)} />
        ))}
      </>
    )
  }
  return (
    <>
      {fading.map(({ line, isGone }) => {
        const { link, from, to } = line
        const classes = `other ${link.state} ${isTouched(line) ? 'touched' : ''} ${isGone ? 'gone' : ''}`
        return <Stroke key={keyOf(line)} class={classes} kind={link.kind} from={from} to={to} />
      })}
    </>
  )
}

/** Links that are gone stay for a while, invisible in the end: so they fade, and do not vanish. */
function useFading(lines: readonly Line[]): { readonly line: Line; readonly isGone: boolean }[] {
  const seen = useRef(new Map<string, Line>())
  const now = new Map(lines.map((line) => [keyOf(line), line]))
  if (seen.current.size > maxFadingLinks) seen.current.clear()
  for (const [key, line] of now) seen.current.set(key, line)
  return [...seen.current].map(([key, line]) => ({ line, isGone: !now.has(key) }))
}

function keyOf({ link: { ends } }: Line): string {
  return [...ends].sort().join(' ')
}

function pathOf(lines: readonly Line[]): string {
  const at = ({ body: { x, y } }: Placed): string => `${x.toFixed(1)} ${y.toFixed(1)}`
  return lines.map(({ from, to }) => `M${at(from)}L${at(to)}`).join('')
}

function Mark({ dot, body, isActive }: Placed & { readonly isActive: boolean }) {
  const { radius: r } = body
  const { member, isVoter, isLeader, hostsS5 } = dot
  const badge = r < 20 ? 0.72 : 1
  const classes = ['mark', member.state, member.condition, dot.isSelf ? 'self' : '', isActive ? 'active' : ''].join(' ')
  return (
    <g class={classes} transform={`translate(${body.x.toFixed(2)} ${body.y.toFixed(2)})`}>
      {isLeader && <circle class="halo" r={r + 14 * badge} />}
      <circle class="focus-ring" r={r + 9} />
      {isVoter && <circle class="voter-ring" r={r + 5} />}
      <circle class="body" r={member.state === 'left' ? r * 0.7 : r} />
      <Inside dot={dot} radius={r} />
      {isLeader && <path class="crown" d={crown} transform={`translate(0 ${-r - 6}) scale(${badge})`} />}
      {hostsS5 && (
        <g class="s5" transform={`translate(${r * 0.86 + 4} ${-r * 0.6 - 2}) scale(${badge})`}>
          <path d="M0-15 15 0 0 15-15 0Z" />
          <text dy=".34em">S5</text>
        </g>
      )}
    </g>
  )
}

function Inside({ dot: { member }, radius: r }: { readonly dot: Dot; readonly radius: number }) {
  const arm = r * 0.38
  if (member.state === 'down')
    return <path class="cross" d={`M${-arm} ${-arm} ${arm} ${arm}M${-arm} ${arm} ${arm} ${-arm}`} />
  if (member.state === 'suspect')
    return (
      <>
        <path class="half" d={`M0 ${-r}A${r} ${r} 0 0 0 0 ${r}Z`} />
        <text class="monogram" dy=".35em" style={{ fontSize: `${r * 0.9}px` }}>
          ?
        </text>
      </>
    )
  if (member.state === 'left') return null
  return (
    <text class="monogram" dy=".35em" style={{ fontSize: `${r * 0.72}px` }}>
      {member.condition === 'stalled' ? '‖' : member.condition === 'draining' ? '↧' : monogram(member.name)}
    </text>
  )
}

function Label({ dot, body, letters }: Placed & { readonly letters: number }) {
  const small = body.radius < 20
  const below = body.radius + (small ? 13 : 21)
  return (
    <g
      class={`label ${dot.member.state} ${small ? 'small' : ''}`}
      transform={`translate(${body.x.toFixed(2)} ${(body.y + below).toFixed(2)})`}
    >
      <text class="name">{shortened(dot.member.name, letters)}</text>
      <text class="remarks" dy={small ? 11 : 16}>
        {remarks(dot)}
      </text>
    </g>
  )
}
