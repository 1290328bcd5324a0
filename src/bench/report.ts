// The figures for people: one table per benchmark, what was measured above what it is compared with.

import { table } from '../cli/output.ts'
import type { Figure } from './figure.ts'
import type { MachineFacts } from './machine.ts'
import type { BenchResult } from './run.ts'
import { summarize } from './statistics.ts'

const heads = ['FIGURE', 'UNIT', 'RUNS', 'MIN', 'MEDIAN', 'P99', 'MAX', 'OF BASELINE', 'GOAL']

export function describeMachine({ cpu, cores, memoryGb, system, node, fileSystem, load }: MachineFacts): string {
  return `${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, Node.js ${node}, ${fileSystem}; load ${load} before\n`
}

export function describeResult({ name, figures, problem }: BenchResult): string {
  if (problem !== undefined) return `${name}: ${problem}\n`
  return `${name}\n${table(
    heads,
    figures.map((figure) => row(figure, figures)),
  )}`
}

function row(figure: Figure, all: readonly Figure[]): string[] {
  const { name, unit, samples, goal = '', baseline } = figure
  const own = summarize(samples)
  if (own === undefined) return [name, unit, '0', '', '', '', '', '', goal]
  const { count, min, median, p99, max } = own
  return [name, unit, String(count), ...[min, median, p99, max].map(shorten), ratio(median, baseline, all), goal]
}

/** By the medians. */
function ratio(median: number, baseline: string | undefined, all: readonly Figure[]): string {
  const other = summarize(all.find(({ name }) => name === baseline)?.samples ?? [])
  return other === undefined || other.median === 0 ? '' : `${(median / other.median).toFixed(2)} x`
}

/** Three digits that count, and no more behind the point than help. */
export function shorten(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

/** For `docs/benchmarks.md`: one row per figure, what it is compared with behind it. */
export function resultsAsMarkdown(machine: MachineFacts, results: readonly BenchResult[]): string {
  const rows = results.flatMap(({ name, figures, problem }) =>
    problem === undefined
      ? figures.map((figure) => markdownRow(name, figure, figures))
      : [`| \`${name}\` | not run: ${problem} | | | | | | |`],
  )
  const head = ['| benchmark | figure | runs | min | median | max | of baseline | goal |', `|${' --- |'.repeat(8)}`]
  return `${describeMachine(machine)}\n${[...head, ...rows].join('\n')}\n`
}

function markdownRow(bench: string, figure: Figure, all: readonly Figure[]): string {
  const [name, unit, runs, min, median, , max, baseline, goal] = row(figure, all)
  return `| \`${bench}\` | ${[`${name}, ${unit}`, runs, min, median, max, baseline, goal].join(' | ')} |`
}

/** For programs: every figure with its summary and all its samples. */
export function resultsAsJson(machine: MachineFacts, runs: number, results: readonly BenchResult[]): object {
  const benches = results.map(({ name, problem, figures }) => ({
    name,
    problem: problem ?? null,
    figures: figures.map((figure) => ({ ...figure, ...summarize(figure.samples) })),
  }))
  return { machine, runs, benches }
}
