// Overlays with the parameters that the option `overlayOptions` gives them: whoever makes one, or asks what it would
// cost, needs not know that it is tuned.

import type { OverlayDefinition, OverlayParameters } from '../../topology/index.ts'

/** Parameters by the name of their overlay. */
export type OverlayOptions = Readonly<Record<string, OverlayParameters>>

export function tunedOverlays(
  definitions: readonly OverlayDefinition<unknown>[],
  options: OverlayOptions,
): OverlayDefinition<unknown>[] {
  return definitions.map((definition) => {
    const own = Object.hasOwn(options, definition.name) ? options[definition.name] : undefined
    return own === undefined ? definition : tuned(definition, own)
  })
}

/** Method by method: a user's overlay may be an instance of a class. */
function tuned(definition: OverlayDefinition<unknown>, own: OverlayParameters): OverlayDefinition<unknown> {
  return {
    name: definition.name,
    codec: definition.codec,
    problems: (parameters) => definition.problems(parameters),
    refusal: (members) => definition.refusal(members),
    estimate: (members, parameters, voters) => definition.estimate(members, { ...own, ...parameters }, voters),
    create: (setup) => definition.create({ ...setup, parameters: { ...own, ...setup.parameters } }),
  }
}
