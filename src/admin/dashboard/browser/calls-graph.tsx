// Draws who calls whom: boxes with lines between them, as wide as they are busy; what fails is marked by colour,
// pattern and words.

import { type CallDrawing, type GraphLine, type GraphService, programs } from '../call-graph.ts'
import { millisecondsText, numberText } from '../panels.ts'
import { healthSign, healthTone } from '../words.ts'

const boxWidth = 168
const boxHeight = 44
const columnWidth = 340
const rowHeight = 74
const margin = 14
/** A line is drawn as failing from this share on. */
const failingShare = 0.01

export function CallsGraph({ services, lines, columns, rows }: CallDrawing) {
  const boxes = new Map(services.map((service) => [service.name, placeOf(service, rows, services)]))
  const width = (columns - 1) * columnWidth + boxWidth + 2 * margin
  const height = rows * rowHeight + 2 * margin
  return (
    <div class="scroll card calls">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        role="img"
        aria-label={`Calls between ${services.length} services; the table below has them all.`}
      >
        {lines.map((line) => (
          <Line key={`${line.from} ${line.to}`} line={line} from={boxes.get(line.from)!} to={boxes.get(line.to)!} />
        ))}
        {lines.map((line) => (
          <Label key={`${line.from} ${line.to}`} line={line} from={boxes.get(line.from)!} to={boxes.get(line.to)!} />
        ))}
        {services.map((service) => (
          <Box key={service.name} service={service} place={boxes.get(service.name)!} />
        ))}
      </svg>
    </div>
  )
}

interface Place {
  readonly x: number
  readonly y: number
}

/** Columns stand in the middle of the height. */
function placeOf({ column, row }: GraphService, rows: number, services: readonly GraphService[]): Place {
  const own = services.filter((other) => other.column === column).length
  const top = ((rows - own) * rowHeight) / 2
  return { x: margin + column * columnWidth, y: margin + top + row * rowHeight + (rowHeight - boxHeight) / 2 }
}

function Box({ service, place: { x, y } }: { readonly service: GraphService; readonly place: Place }) {
  const { name, instances, health } = service
  const isProgram = name === programs
  const detail = isProgram ? 'no service' : `${numberText(instances)} instance${instances === 1 ? '' : 's'}`
  return (
    <g class={`service ${isProgram ? 'program' : ''}`} data-box={name || 'programs'}>
      <rect x={x} y={y} width={boxWidth} height={boxHeight} rx={9} />
      <text class="name" x={x + 12} y={y + 18}>
        {isProgram ? 'members’ programs' : shortened(name)}
      </text>
      <text class={`detail ${health ? healthTone[health] : 'faint'}`} x={x + 12} y={y + 35}>
        {health ? `${healthSign[health]} ` : ''}
        {detail}
      </text>
    </g>
  )
}

interface LineProps {
  readonly line: GraphLine
  readonly from: Place
  readonly to: Place
}

/** Where a line begins and ends; back to the left, or to itself, it goes around the boxes. */
function courseOf({ from, to }: LineProps) {
  const start = { x: from.x + boxWidth, y: from.y + boxHeight / 2 }
  const end = { x: to.x - 7, y: to.y + boxHeight / 2 }
  const isBack = end.x <= start.x
  return { start, end, bend: isBack ? 70 : Math.max(50, (end.x - start.x) / 2), lift: isBack ? boxHeight + 20 : 0 }
}

function Line(props: LineProps) {
  const { rate, errorShare } = props.line
  const { start, end, bend, lift } = courseOf(props)
  const path = `M ${start.x} ${start.y} C ${start.x + bend} ${start.y + lift} ${end.x - bend} ${end.y + lift} ${end.x} ${end.y}`
  return (
    <g class={`line ${errorShare >= failingShare ? 'failing' : ''}`}>
      <path d={path} style={{ strokeWidth: `${1.4 + Math.log10(1 + rate) * 1.6}` }} />
      <path class="head" d={`M ${end.x} ${end.y - 5} L ${end.x + 7} ${end.y} L ${end.x} ${end.y + 5} Z`} />
    </g>
  )
}

/** Above all lines, so that none crosses it. */
function Label(props: LineProps) {
  const { rate, latencyMs, errorShare } = props.line
  const { start, end, lift } = courseOf(props)
  const [x, y] = [(start.x + end.x) / 2, (start.y + end.y) / 2 + lift * 0.75]
  return (
    <g class="label">
      <text x={x} y={y - 6}>
        {`${numberText(rate)}/s · ${millisecondsText(latencyMs)}`}
      </text>
      {errorShare >= failingShare && (
        <text class="failing" x={x} y={y + 12}>
          {`✕ ${numberText(errorShare * 100)} % fail`}
        </text>
      )}
    </g>
  )
}

const shortened = (name: string): string => (name.length > 20 ? `${name.slice(0, 19)}…` : name)
