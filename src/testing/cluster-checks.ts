// What a cluster under test is made of, checked before any of it is: a count or an option that cannot be would end as a
// wait that never does.

import { aboveZero, anything, checkAll, checkedOptions, type OptionChecks, text, trueOrFalse } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import type { ProcessesOptions } from './processes.ts'
import type { TestClusterOptions } from './virtual/test-cluster.ts'

const common = { untilReady: trueOrFalse, timeoutMs: aboveZero } as const

/** Throws `ERR_BAD_OPTIONS` with everything that is wrong. */
export function checkTestCluster(count: number, options: TestClusterOptions): void {
  const checks: OptionChecks<TestClusterOptions> = {
    ...common,
    seed: (value) => (Number.isSafeInteger(value) ? undefined : `(${String(value)}) must be a whole number`),
    expect: upTo(count),
    latencyMs: (value) =>
      Number.isFinite(value) && (value as number) >= 0 ? undefined : `(${String(value)}) must be a number of 0 or more`,
    node: (value) => (typeof value === 'function' ? undefined : anObject(value)),
  }
  checkAll(
    () => checkCount(count),
    () => checkedOptions(options, checks),
  )
}

/** Likewise. */
export function checkProcesses(count: number, options: ProcessesOptions): void {
  const checks: OptionChecks<ProcessesOptions> = {
    ...common,
    hosts: (value) => aList(value) ?? ((value as unknown[]).length < count ? `must be at least ${count}` : undefined),
    expect: upTo(count),
    prefix: aList,
    program: text,
    namePrefix: text,
    secret: text,
    env: anObject,
    allowFaults: trueOrFalse,
  }
  checkAll(
    () => checkCount(count),
    () => checkedOptions(options, checks),
  )
}

function checkCount(count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return
  const problem = `the count of nodes (${String(count)}) must be a whole number of 1 or more`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

/** How many found a cluster of `count`; of a count that is none, that is told alone. */
function upTo(count: number) {
  if (!Number.isSafeInteger(count) || count < 1) return anything
  return (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= count
      ? undefined
      : `(${String(value)}) must be a whole number from 1 to ${count}`
}

function anObject(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'must be an object'
}

function aList(value: unknown): string | undefined {
  return Array.isArray(value) ? undefined : 'must be a list'
}
