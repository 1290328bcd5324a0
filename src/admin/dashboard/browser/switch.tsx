// A switch of the topology that is under way: from where, where to, and how far this node has come.

import type { NodeStatus, TopologyPhase } from '../../../node-interface.ts'

const phases: readonly TopologyPhase[] = ['preparing', 'verifying', 'draining']

export interface SwitchProps {
  readonly topology: NodeStatus['topology']
  /** Undefined: this page has not heard how it began. */
  readonly to: string | undefined
}

export function Switch({ topology: { name, epoch, phase }, to }: SwitchProps) {
  const now = phases.indexOf(phase)
  if (now < 0) return null
  const aim = to === undefined || to === name ? '' : ` → ${to}`
  return (
    <div id="switch" class="switch notice" role="status">
      <p>
        <span aria-hidden="true">⬡</span> The topology is being switched:{' '}
        <strong>
          {name}
          {aim}
        </strong>
        , epoch {epoch}
      </p>
      <ol>
        {phases.map((each, index) => (
          <li key={each} class={index < now ? 'done' : ''} aria-current={index === now ? 'step' : undefined}>
            {index < now ? '✓' : index === now ? '●' : '○'} {each}
          </li>
        ))}
      </ol>
    </div>
  )
}
