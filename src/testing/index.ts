// What `@viable-systems/trellis/testing` offers: the simulator, clusters of real processes, and what an overlay, a
// provider of peers, a transport or an engine of one's own must do.

export {
  type AgreedData,
  type CoordinationSubject,
  type CoordinationSuite,
  testCoordinationStore,
} from './compliance/coordination-store.ts'
export { type DiscoverySource, type DiscoverySubject, testDiscovery } from './compliance/discovery.ts'
export { type AnyOverlay, type OverlaySuite, testOverlay } from './compliance/overlay.ts'
export {
  type TransportHarness,
  type TransportLimits,
  type TransportSuite,
  testTransport,
} from './compliance/transport.ts'
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
