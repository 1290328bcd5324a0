// The marks and labels of members on a canvas: the same shapes as in SVG, small.

import { shortened } from '../words.ts'
import { crown, type Placed, remarks } from './scene.ts'

/** In letters: longer names reach too far over others. */
const longestName = 24

const names = ['ground', 'text', 'faint', 'good', 'warn', 'bad', 'accent', 'gold', 's5', 'expected'] as const
export type Palette = Readonly<Record<(typeof names)[number], string>>

/** The colours of the style sheet, as they are now: the reader may turn to dark at any time. */
export function palette(element: Element): Palette {
  const style = getComputedStyle(element)
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)])) as Palette
}

const crownPath = new Path2D(crown)

export function paintMark(
  context: CanvasRenderingContext2D,
  { dot, body }: Placed,
  colours: Palette,
  isActive: boolean,
): void {
  const { radius: r } = body
  const { state, condition } = dot.member
  const circle = (radius: number, part: 'fill' | 'stroke', from = 0, to = 2 * Math.PI): void => {
    context.beginPath()
    context.arc(0, 0, radius, from, to)
    context[part]()
  }
  context.save()
  context.translate(body.x, body.y)
  context.lineWidth = 1.6
  context.fillStyle = colours.ground
  circle(r + 2, 'fill')
  if (isActive) {
    context.strokeStyle = colours.text
    circle(r + 6, 'stroke')
  }
  if (dot.isVoter) {
    context.strokeStyle = colours.good
    circle(r + 3.5, 'stroke')
  }
  context.fillStyle = context.strokeStyle = {
    alive: colours.good,
    suspect: colours.warn,
    down: colours.bad,
    left: colours.faint,
  }[state]
  if (state === 'alive') circle(r, 'fill')
  else circle(state === 'left' ? r * 0.6 : r, 'stroke')
  if (state === 'suspect') circle(r, 'fill', Math.PI / 2, (3 * Math.PI) / 2)
  if (state === 'down') cross(context, r * 0.5)
  if (state === 'alive' && condition !== 'ok') {
    context.strokeStyle = colours.ground
    context.lineWidth = 2
    bars(context, r * 0.35, condition)
  }
  if (dot.isSelf) {
    context.strokeStyle = colours.accent
    context.lineWidth = 2.4
    circle(r + 3.5, 'stroke')
  }
  if (dot.isLeader) {
    context.save()
    context.translate(0, -r - 4)
    context.scale(0.78, 0.78)
    context.fillStyle = colours.gold
    context.strokeStyle = colours.ground
    context.lineWidth = 3
    context.stroke(crownPath)
    context.fill(crownPath)
    context.restore()
  }
  if (dot.hostsS5) diamond(context, r, colours)
  context.restore()
}

function cross(context: CanvasRenderingContext2D, arm: number): void {
  context.beginPath()
  context.moveTo(-arm, -arm)
  context.lineTo(arm, arm)
  context.moveTo(-arm, arm)
  context.lineTo(arm, -arm)
  context.stroke()
}

/** Two standing bars for a stalled member, one lying for a draining one. */
function bars(context: CanvasRenderingContext2D, arm: number, condition: string): void {
  context.beginPath()
  for (const at of condition === 'stalled' ? [-arm, arm] : [0]) {
    context.moveTo(condition === 'stalled' ? at : -arm * 2, condition === 'stalled' ? -arm * 2 : 0)
    context.lineTo(condition === 'stalled' ? at : arm * 2, condition === 'stalled' ? arm * 2 : 0)
  }
  context.stroke()
}

function diamond(context: CanvasRenderingContext2D, r: number, colours: Palette): void {
  context.translate(r + 11, -r - 5)
  context.rotate(Math.PI / 4)
  context.fillStyle = colours.s5
  context.strokeStyle = colours.ground
  context.lineWidth = 2
  context.fillRect(-8, -8, 16, 16)
  context.strokeRect(-8, -8, 16, 16)
  context.rotate(-Math.PI / 4)
  context.fillStyle = colours.ground
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.font = '700 10px system-ui, sans-serif'
  context.fillText('S5', 0, 0.5)
}

export function paintLabel(context: CanvasRenderingContext2D, { dot, body }: Placed, colours: Palette): void {
  const { member } = dot
  context.textAlign = 'center'
  context.textBaseline = 'top'
  context.lineJoin = 'round'
  context.lineWidth = 4
  context.strokeStyle = colours.ground
  const say = (text: string, font: string, colour: string, y: number): void => {
    context.font = font
    context.strokeText(text, body.x, y)
    context.fillStyle = colour
    context.fillText(text, body.x, y)
  }
  const colour = { alive: colours.text, suspect: colours.warn, down: colours.bad, left: colours.faint }[member.state]
  const y = body.y + body.radius + 5
  say(shortened(member.name, longestName), '600 11px system-ui, sans-serif', colour, y)
  say(remarks(dot), '10px system-ui, sans-serif', colours.faint, y + 13)
}
