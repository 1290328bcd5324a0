// SIGINT and SIGTERM: the first asks for an orderly stop, a later one insists. A terminal and `npm` both deliver one
// Ctrl-C, so two within a second are one.

export interface StopSignals extends Disposable {
  /** Aborts at the first signal. */
  readonly stop: AbortSignal
  /** Aborts at a second one. */
  readonly force: AbortSignal
}

/** Signals nearer to the first than this are the same wish. */
const sameWishMs = 1_000

export function watchSignals(): StopSignals {
  const stop = new AbortController()
  const force = new AbortController()
  let firstAt: number | undefined
  const handle = (): void => {
    const now = performance.now()
    if (firstAt === undefined) {
      firstAt = now
      stop.abort()
    } else if (now - firstAt >= sameWishMs) force.abort()
  }
  process.on('SIGINT', handle).on('SIGTERM', handle)
  return {
    stop: stop.signal,
    force: force.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', handle).off('SIGTERM', handle)
    },
  }
}

/** Resolves when one of `signals` has aborted. */
export function aborted(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const any = AbortSignal.any(signals.filter((signal) => signal !== undefined))
  return new Promise((resolve) => {
    if (any.aborted) resolve()
    else any.addEventListener('abort', () => resolve(), { once: true })
  })
}
