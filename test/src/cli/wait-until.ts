// Waiting for what another process does: for a condition, with a deadline, never for a duration.

const deadlineMs = 60_000

/** Looks again and again until `condition` holds; past the deadline it throws what `state` says. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  state: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`the condition did not come to hold\n${state()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
