// A validator for the part of JSON Schema that the admin's description uses. A keyword it does not know is a failure,
// never something that is true of everything.

export type Schema = Readonly<Record<string, unknown>>

const annotations = ['description']
const known = ['$ref', 'oneOf', 'const', 'enum', 'type', 'properties', 'required', 'additionalProperties', 'items']
const limits = ['minimum', 'maxItems']

/** What is wrong with `value`, one line each with the place; empty: nothing. */
export function problems(schema: Schema, value: unknown, named: Readonly<Record<string, Schema>>, at = '$'): string[] {
  const unknown = Object.keys(schema).filter((key) => ![...annotations, ...known, ...limits].includes(key))
  if (unknown.length > 0) return [`${at}: unknown keywords ${unknown.join(', ')}`]
  return [
    ...referred(schema, value, named, at),
    ...('const' in schema && schema.const !== value ? [`${at}: not ${JSON.stringify(schema.const)}`] : []),
    ...(Array.isArray(schema.enum) && !schema.enum.includes(value) ? [`${at}: not one of ${schema.enum}`] : []),
    ...ofType(schema, value, at),
    ...(Array.isArray(value) ? inArray(schema, value, named, at) : []),
    ...(typeof value === 'object' && value !== null && !Array.isArray(value) ? inObject(schema, value, named, at) : []),
  ]
}

function referred(schema: Schema, value: unknown, named: Readonly<Record<string, Schema>>, at: string): string[] {
  if (typeof schema.$ref === 'string') {
    const target = named[schema.$ref.replace('#/components/schemas/', '')]
    return target ? problems(target, value, named, at) : [`${at}: no schema ${schema.$ref}`]
  }
  if (!Array.isArray(schema.oneOf)) return []
  const fitting = schema.oneOf.filter((option: Schema) => problems(option, value, named, at).length === 0)
  return fitting.length === 1 ? [] : [`${at}: fits ${fitting.length} of ${schema.oneOf.length}`]
}

function ofType(schema: Schema, value: unknown, at: string): string[] {
  const types = [schema.type ?? []].flat() as string[]
  const own = Number.isInteger(value)
    ? 'integer'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : typeof value
  if (types.length > 0 && !types.includes(own)) return [`${at}: ${own} is not ${types.join(' or ')}`]
  if (typeof schema.minimum === 'number' && typeof value === 'number' && value < schema.minimum)
    return [`${at}: ${value} is less than ${schema.minimum}`]
  return []
}

function inArray(schema: Schema, value: unknown[], named: Readonly<Record<string, Schema>>, at: string): string[] {
  if (typeof schema.maxItems === 'number' && value.length > schema.maxItems) return [`${at}: too long`]
  if (schema.items === undefined) return []
  return value.flatMap((item, i) => problems(schema.items as Schema, item, named, `${at}[${i}]`))
}

function inObject(schema: Schema, value: object, named: Readonly<Record<string, Schema>>, at: string): string[] {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>
  const missing = ((schema.required ?? []) as string[]).filter((name) => !(name in value))
  const wrong = Object.entries(value).flatMap(([name, part]) => {
    if (properties[name]) return problems(properties[name], part, named, `${at}.${name}`)
    return schema.additionalProperties === false ? [`${at}: ${name} is not described`] : []
  })
  return [...missing.map((name) => `${at}: ${name} is missing`), ...wrong]
}
