// What `@viable-systems/trellis/testing` offers: the simulator.

export { bugNames } from './simulator/bugs.ts'
export { type Outcome, type RunOptions, runSeed } from './simulator/cluster.ts'
export { type Property, SimulationFailure } from './simulator/failure.ts'
export { type SimulateOptions, type SimulationProgress, type SimulationResult, simulate } from './simulator/run.ts'
