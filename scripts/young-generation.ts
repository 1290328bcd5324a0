// What keeps V8 from growing by itself while a script measures whether a process keeps anything.

/**
 * V8's option for a young generation that does not grow. Under load it does, by powers of two up to 192 MiB on a large
 * machine, filled with what is garbage already, and so it hides in the resident bytes whether anything is kept.
 */
export const smallYoungGeneration = '--max-semi-space-size=1'
