import { join } from 'node:path'
import { describe } from 'node:test'
import { overlayScenario } from '../scenarios/handlers/overlay-commands.ts'
import { testScenarios } from '../scenarios/handlers/scenario-file.ts'

describe('overlay scenarios', () => {
  testScenarios(join(import.meta.dirname, '../scenarios/overlays'), overlayScenario)
})
