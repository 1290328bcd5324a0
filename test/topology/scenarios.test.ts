// The stories of membership, as texts: see `test/scenarios/topology/`.

import { join } from 'node:path'
import { describe } from 'node:test'
import { testScenarios } from '../scenarios/handlers/scenario-file.ts'
import { swimScenario } from '../scenarios/handlers/swim-commands.ts'

describe('membership scenario', () => {
  testScenarios(join(import.meta.dirname, '../scenarios/topology'), swimScenario)
})
