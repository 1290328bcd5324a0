// What `@viable-systems/trellis/testing` offers: the simulator, clusters of real processes, and what an overlay
// of one's own must do.

export {
  type AgreedData,
  type CoordinationSubject,
  type CoordinationSuite,
  testCoordinationStore,
} from './compliance/coordination-store.ts'
export { type AnyOverlay, type OverlaySuite, testOverlay } from './compliance/overlay.ts'
export { memberOptions } from './member-options.ts'
export type { ClusterProcess, ProcessFaults, RestartOptions } from './process-member.ts'
export { type ProcessCluster, type ProcessesOptions, startProcesses } from './processes.ts'
export { bugNames } from './simulator/bugs.ts'
export { type Outcome, type RunOptions, runSeed } from './simulator/cluster.ts'
export { type Property, SimulationFailure } from './simulator/failure.ts'
export { type SimulateOptions, type SimulationProgress, type SimulationResult, simulate } from './simulator/run.ts'
export {
  createTestCluster,
  type TestAgreement,
  type TestCluster,
  type TestClusterOptions,
  type TestNodeOptions,
  type TestWaitOptions,
} from './virtual/test-cluster.ts'
export type { TestNode, TestRestartOptions } from './virtual/test-node.ts'
