// Who saw what when a wait of a test failed: one line for each node.

import type { Lives } from './test-node.ts'

/** What each node was doing, whom it saw how, and whom it held for the leader. */
export function describeSituation(
  all: readonly Lives[],
  sides: readonly (readonly string[])[],
  now: number,
  seed: number,
): string {
  const cuts = sides.length === 0 ? 'nothing is cut' : `cut: ${sides.map((side) => side.join(' ')).join(' | ')}`
  const lines = all.map((lives) => `  ${lives.name} (${lives.state}) ${sightOf(lives)}\n`)
  return `after ${Math.round(now)} ms, seed ${seed}, ${cuts}\n${lines.join('')}`
}

function sightOf({ node }: Lives): string {
  if (node === undefined) return ''
  const { consensus, s5, topology } = node.status()
  const members = node.members().map(({ name, state, condition }) => {
    return condition === 'ok' ? `${name} ${state}` : `${name} ${state} and ${condition}`
  })
  const leader = `${consensus.role} in term ${consensus.term}, leader ${consensus.leader ?? 'unknown'}`
  return `sees ${members.join(', ')}; ${leader}, S5 ${s5.phase} on ${s5.host ?? 'nobody'}; ${topology.name} ${topology.phase}`
}
