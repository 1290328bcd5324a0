// The one error that bytes from a remote can cause. Whoever reads from a connection catches it, counts it by `kind`,
// and closes that connection; nothing else is disturbed.

/**
 * What was wrong with the bytes:
 * `truncated`: they end inside a field. `too-long`: a length exceeds its named maximum. `unknown-number`: no message,
 * variant or choice has this number. `trailing-bytes`: the body is longer than its message. `bad-value`: a field holds
 * what its type forbids (a varint with padding, a boolean of 2). `bad-utf8`: a text is not UTF-8.
 */
export type WireErrorKind = 'truncated' | 'too-long' | 'unknown-number' | 'trailing-bytes' | 'bad-value' | 'bad-utf8'

/** Bytes that are no message, or a value that no message can carry. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly kind: WireErrorKind

  constructor(kind: WireErrorKind, message: string) {
    super(message)
    this.kind = kind
  }
}
