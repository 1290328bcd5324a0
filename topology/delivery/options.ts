// The numbers that delivery may be tuned by: unit, default, range, and what goes wrong at both ends.

/** What delivery may be tuned by. */
export interface DeliveryOptions {
  /**
   * Acknowledged messages of one stream that may be unsettled at once; both ends keep at most this many. Default 16,384
   * (a guess: 16 million a second at a round trip of 1 ms, 160,000 at 100 ms). A power of two from 64 to 65,536, the
   * same in a whole cluster. Small: slow over long ways. Large: memory for each peer.
   */
  readonly windowMessages: number
  /**
   * Messages with a key that wait for an earlier one, of one stream. Default 256 (a guess). Range 1 to windowMessages.
   * Beyond it they are dropped, counted, and sent again later.
   */
  readonly maxHeldMessages: number
  /**
   * Keys of one source and channel whose newest sequence is remembered. Default 4,096 (a guess). Range 1 to 1,000,000.
   * Few: one that overtook others on the way may be dropped.
   */
  readonly maxKeys: number
  /**
   * Milliseconds without progress until the source asks what has come; doubled each time up to `maxProbeDelayMs`.
   * Default 500 (a guess: above any round trip in a LAN). Range: above 0. Short: needless questions. Long: what a relay
   * dropped is late.
   */
  readonly probeDelayMs: number
  /** Default 8,000 (a guess). Range: from probeDelayMs. */
  readonly maxProbeDelayMs: number
  /**
   * Milliseconds that a causal message waits for those it depends on; then it is delivered with a gap. Default 1,000 (a
   * guess). Range 0 to 60,000. Short: gaps. Long: one lost message delays its topic.
   */
  readonly causalWaitMs: number
  /**
   * Causal messages of one topic that may wait. Default 1,024 (a guess). Range 1 to 65,536. Beyond it the oldest goes
   * on with a gap.
   */
  readonly maxCausalWaiting: number
  /**
   * Publishers named as dependencies in one causal message. Default 64. Range 1 to 64, the bound of the wire format.
   * Beyond it those heard longest ago are left out.
   */
  readonly maxDependencies: number
  /**
   * Topics whose causal order is followed; the one longest unused is forgotten. Default 1,024 (a guess). Range 1 to
   * 65,536.
   */
  readonly maxCausalTopics: number
}

const lan: DeliveryOptions = {
  windowMessages: 16_384,
  maxHeldMessages: 256,
  maxKeys: 4_096,
  probeDelayMs: 500,
  maxProbeDelayMs: 8_000,
  causalWaitMs: 1_000,
  maxCausalWaiting: 1_024,
  maxDependencies: 64,
  maxCausalTopics: 1_024,
}

/** `local`: one machine. `lan`: round trips of a few milliseconds; the default. `wan`: up to 300 ms. */
export const deliveryPresets = Object.freeze({
  local: Object.freeze<DeliveryOptions>({ ...lan, probeDelayMs: 250 }),
  lan: Object.freeze<DeliveryOptions>(lan),
  wan: Object.freeze<DeliveryOptions>({ ...lan, probeDelayMs: 2_000, maxProbeDelayMs: 16_000, causalWaitMs: 4_000 }),
})

/** Every rule that `options` break, with the values. */
export function deliveryProblems(options: DeliveryOptions): string[] {
  const problems: string[] = []
  const range = (name: keyof DeliveryOptions, low: number, high: number): void => {
    const value = options[name]
    if (!(Number.isInteger(value) && value >= low && value <= high))
      problems.push(`delivery.${name} (${value}) must be a whole number from ${low} to ${high}`)
  }
  range('windowMessages', 64, 65_536)
  if (Math.log2(options.windowMessages) % 1 !== 0)
    problems.push(`delivery.windowMessages (${options.windowMessages}) must be a power of two`)
  range('maxHeldMessages', 1, options.windowMessages)
  range('maxKeys', 1, 1_000_000)
  range('probeDelayMs', 1, 60_000)
  range('maxProbeDelayMs', options.probeDelayMs, 600_000)
  range('causalWaitMs', 0, 60_000)
  range('maxCausalWaiting', 1, 65_536)
  range('maxDependencies', 1, 64)
  range('maxCausalTopics', 1, 65_536)
  return problems
}
