// Packages that only some users need: an entry point that wants one says in one line what to install.

/** What `load` imports. Rejects with one line that names the package when it is not installed. */
export async function optionalPeer<Module>(name: string, load: () => Promise<unknown>): Promise<Module> {
  try {
    return (await load()) as Module
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error
    throw new Error(`this entry point needs the package '${name}': npm install ${name}`, { cause: error })
  }
}
