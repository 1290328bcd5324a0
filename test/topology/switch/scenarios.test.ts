import { join } from 'node:path'
import { describe } from 'node:test'
import { testScenarios } from '../../scenarios/handlers/scenario-file.ts'
import { switchScenario } from '../../scenarios/handlers/switch-commands.ts'

describe('switch scenarios', () => {
  testScenarios(join(import.meta.dirname, '../../scenarios/switch'), switchScenario)
})
