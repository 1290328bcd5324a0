// Packages that only some users need: an entry point that wants them says in one line what to install.

/** A package, and how it is imported: a literal `import`, so that tools see it. */
export type OptionalPackage = readonly [name: string, load: () => Promise<unknown>]

/** What `load` imports. Rejects with one line that names the package when it is not installed. */
export async function optionalPeer<Module>(name: string, load: () => Promise<unknown>): Promise<Module> {
  const [module] = await optionalPeers<[Module]>([[name, load]])
  return module
}

/** The same for several: the line names all that are missing, so that one installation is enough. */
export async function optionalPeers<Modules extends unknown[]>(packages: readonly OptionalPackage[]): Promise<Modules> {
  const results = await Promise.allSettled(packages.map(([, load]) => load()))
  const missing: string[] = []
  for (const [at, result] of results.entries()) {
    if (result.status === 'fulfilled') continue
    const name = packages[at]![0]
    const { code, message } = result.reason as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw result.reason
    if (!missing.includes(name)) missing.push(name)
  }
  if (missing.length === 0) return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Modules
  const what = missing.length === 1 ? `package '${missing[0]}'` : `packages ${missing.join(', ')}`
  throw new Error(`this entry point needs the ${what}: npm install ${missing.join(' ')}`)
}
