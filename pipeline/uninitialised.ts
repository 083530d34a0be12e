/**
 * Bytes that may hold anything, for whoever writes every one of them: `new Uint8Array` clears its memory first, which took 5 of 100 seconds of
 * `publish`.
 */
export const uninitialised = (bytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer)
