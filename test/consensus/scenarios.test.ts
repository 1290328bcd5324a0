// The stories of the consensus core, as texts: see `test/scenarios/consensus/`.

import { join } from 'node:path'
import { describe } from 'node:test'
import { consensusScenario } from '../scenarios/handlers/consensus-commands.ts'
import { testScenarios } from '../scenarios/handlers/scenario-file.ts'

describe('consensus scenario', () => {
  testScenarios(join(import.meta.dirname, '../scenarios/consensus'), consensusScenario)
})
