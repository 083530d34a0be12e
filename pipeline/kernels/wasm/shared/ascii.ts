// AssemblyScript. Bytes of ASCII.

export const LINE_FEED: i32 = 0x0a
export const BACKTICK: i32 = 0x60

export function isBlank(byte: i32): bool {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

export function isSpace(byte: i32): bool {
  return isBlank(byte) || byte === LINE_FEED
}

export function isDigit(byte: i32): bool {
  return <u32>(byte - 0x30) < 10
}

export function isFence(at: usize, to: usize): bool {
  return at + 3 <= to && load<u8>(at) === BACKTICK && load<u8>(at, 1) === BACKTICK && load<u8>(at, 2) === BACKTICK
}
