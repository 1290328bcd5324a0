// The shapes of what the adviser says.

import { figureNames } from '../../topology/index.ts'
import { object, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const truth: Schema = { type: 'boolean' }
const amount: Schema = { type: ['number', 'integer'] }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })
const list = (items: Schema): Schema => ({ type: 'array', items })

export const adviceSchemas: Readonly<Record<string, Schema>> = {
  Advice: object({
    current: text,
    recommended: described(text, 'Equal to `current`: stay.'),
    rule: described(text, 'That decided.'),
    because: text,
    figures: object(Object.fromEntries(figureNames.map((name) => [name, amount]))),
    conditions: list(ref('JudgedCondition')),
    stableForMs: described(amount, 'For so long the advice has been the same.'),
    coolDownLeftMs: described(amount, 'Rest after the last switch.'),
    isDue: described(truth, 'Another topology, for long enough, and not too soon after a switch.'),
  }),
  JudgedCondition: object(
    {
      figure: text,
      is: { type: 'string', enum: ['at-least', 'at-most'] },
      value: amount,
      isExact: truth,
      measured: amount,
      threshold: described(amount, 'With its margin.'),
      holds: truth,
    },
    ['isExact'],
  ),
}
