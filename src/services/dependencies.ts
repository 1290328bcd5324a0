// Who needs whom, as the instances themselves declare it. Names depend on names: an instance is served when any
// instance of what it needs can be called.

import type { ServiceImpact, ServiceInstance } from './service-interface.ts'

/** What `dependsOn` names and nobody can be called for, neither in the namespace of who depends on it nor in none. */
export function missingFor(
  { dependsOn, namespace }: Pick<ServiceInstance, 'dependsOn' | 'namespace'>,
  find: (query: { readonly name: string; readonly namespace: string }) => readonly ServiceInstance[],
): string[] {
  const isThere = (name: string, where: string): boolean =>
    find({ name, namespace: where }).some(({ health }) => health !== 'critical')
  return dependsOn.filter((name) => !isThere(name, namespace) && !isThere(name, ''))
}

/** Everything that needs `name`, nearest first; `through` is the way from it to `name`. Circles are followed once. */
export function dependants(name: string, instances: readonly ServiceInstance[]): ServiceImpact['dependants'] {
  const found = new Map<string, { readonly through: readonly string[]; readonly instances: number }>()
  const queue: { readonly needed: string; readonly through: readonly string[] }[] = [{ needed: name, through: [] }]
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { needed, through } = next
    const direct = new Set(instances.filter(({ dependsOn }) => dependsOn.includes(needed)).map((each) => each.name))
    for (const dependant of [...direct].sort()) {
      if (dependant === name || found.has(dependant)) continue
      const count = instances.filter((each) => each.name === dependant).length
      found.set(dependant, { through, instances: count })
      queue.push({ needed: dependant, through: [dependant, ...through] })
    }
  }
  return [...found].map(([dependant, facts]) => ({ name: dependant, ...facts }))
}
