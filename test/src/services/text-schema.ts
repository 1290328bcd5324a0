// A schema of one type, as any library that keeps to Standard Schema makes them.

import type { StandardSchema } from '../../../src/coordination/standard-schema.ts'

export const textSchema: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] }),
  },
}
