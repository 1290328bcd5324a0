// The picture as SVG, for up to sixty members. Marks differ by shape; colour only repeats it. What can be pointed at lies
// above it (`graph.tsx`), so for assistive technology this is decoration.

import type { Dot } from '../model.ts'
import { crown, expectedPairs, isExpected, monogram, type Placed, remarks, type Scene } from './scene.ts'

/** More expected links than this become one path: as elements of their own, each can fade. */
const maxFadingLinks = 400
/** Links of this node that do not hide what lies below them. */
const maxThickLinks = 14

export function SvgDrawing({ scene }: { readonly scene: Scene }) {
  const { width, height, placed, active } = scene
  const self = placed.find(({ dot }) => dot.isSelf)
  const isMany = placed.length > maxThickLinks
  return (
    <svg class="drawing" viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`} aria-hidden="true">
      <ExpectedLinks scene={scene} />
      {self &&
        placed
          .filter(({ dot }) => !dot.isSelf)
          .map(({ dot, body }) => (
            <line
              key={body.id}
              class={`own ${dot.ownLink} ${isMany ? 'many' : ''} ${body.id === active ? 'touched' : ''}`}
              x1={self.body.x}
              y1={self.body.y}
              x2={body.x}
              y2={body.y}
            />
          ))}
      {placed.map((each) => (
        <Mark key={each.body.id} {...each} isActive={each.body.id === active} />
      ))}
      {placed.map((each) => (
        <Label key={each.body.id} {...each} />
      ))}
    </svg>
  )
}

function ExpectedLinks({ scene }: { readonly scene: Scene }) {
  const pairs = expectedPairs(scene)
  if (pairs.length > maxFadingLinks) {
    const draw = (all: typeof pairs): string =>
      all
        .map(([a, b]) => `M${a.body.x.toFixed(1)} ${a.body.y.toFixed(1)}L${b.body.x.toFixed(1)} ${b.body.y.toFixed(1)}`)
        .join('')
    const there = pairs.filter(isExpected)
    const touched = there.filter(([a, b]) => a.body.id === scene.active || b.body.id === scene.active)
    return (
      <>
        <path class="expected many" d={draw(there)} />
        <path class="expected touched" d={draw(touched)} />
      </>
    )
  }
  return (
    <>
      {pairs.map((pair) => {
        const [{ body: a }, { body: b }] = pair
        const touched = a.id === scene.active || b.id === scene.active ? 'touched' : ''
        const gone = isExpected(pair) ? '' : 'gone'
        return (
          <line key={`${a.id} ${b.id}`} class={`expected ${touched} ${gone}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
        )
      })}
    </>
  )
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

function Label({ dot, body }: Placed) {
  const small = body.radius < 20
  const below = body.radius + (small ? 13 : 21)
  return (
    <g
      class={`label ${dot.member.state} ${small ? 'small' : ''}`}
      transform={`translate(${body.x.toFixed(2)} ${(body.y + below).toFixed(2)})`}
    >
      <text class="name">{dot.member.name}</text>
      <text class="remarks" dy={small ? 11 : 16}>
        {remarks(dot)}
      </text>
    </g>
  )
}
