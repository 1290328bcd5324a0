// Broken members with the secret, and strangers at the admin port, against a cluster of three processes, for longer
// than a test may take. Prints what was sent, how often the broken ones were thrown out, and by how much the process
// that grew most had grown after each quarter.
//
//   node scripts/hostile.ts [--count 20000] [--seed 1]

import { parseArgs } from 'node:util'
import { startProcesses } from '../src/testing/processes.ts'
import { attack } from '../test/multinode/hostile/attack.ts'
import { smallYoungGeneration } from './young-generation.ts'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
})
const secret = 'the secret that broken members have, too'
await using cluster = await startProcesses(3, { secret, env: { NODE_OPTIONS: smallYoungGeneration } })
const { grownBytes, ...report } = await attack(cluster, {
  seed: Number(values.seed),
  count: Number(values.count),
  secret,
})
console.log(JSON.stringify({ ...report, grownMiB: grownBytes.map((bytes) => Math.round(bytes / 1_048_576)) }))
