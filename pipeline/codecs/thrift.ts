/** The little of Thrift's compact protocol that Parquet's footer and page headers need: fields are visited, the rest is passed over. */

export class ThriftReader {
  at: number
  private readonly bytes: Buffer

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** Calls `visit` for each field of the struct here; it must read the value, or return false to have it passed over. */
  struct(visit: (id: number, type: number) => boolean): void {
    let id = 0
    for (;;) {
      const byte = this.byte()
      const type = byte & 15
      if (type === STOP) return
      id = byte >> 4 ? id + (byte >> 4) : this.signed()
      if (!visit(id, type)) this.skip(type)
    }
  }

  list(visit: () => void): void {
    const byte = this.byte()
    const length = byte >> 4 === 15 ? this.unsigned() : byte >> 4
    for (let i = 0; i < length; i++) visit()
  }

  text(): string {
    const length = this.unsigned()
    const text = this.bytes.toString('utf8', this.at, this.at + length)
    this.move(length)
    return text
  }

  /** A zigzag varint; whole numbers above 2^53 lose digits. */
  signed(): number {
    const raw = this.unsigned()
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  private unsigned(): number {
    let value = 0
    let unit = 1
    for (let k = 0; k < 10; k++) {
      const byte = this.byte()
      value += (byte & 127) * unit
      if (byte < 128) return value
      unit *= 128
    }
    throw new RangeError('a number of more than 10 bytes')
  }

  private byte(): number {
    this.move(1)
    return this.bytes[this.at - 1]
  }

  private move(length: number): void {
    this.at += length
    if (this.at > this.bytes.length) throw new RangeError('the structure does not end')
  }

  private skip(type: number, depth = 0): void {
    if (depth > 32) throw new RangeError('structures nested too deep')
    if (type === TRUE || type === FALSE) return
    if (type === BYTE) this.move(1)
    else if (type <= I64) this.unsigned()
    else if (type === DOUBLE) this.move(8)
    else if (type === BINARY) this.move(this.unsigned())
    else if (type === LIST || type === SET) this.skipList(depth)
    else if (type === STRUCT) this.skipStruct(depth)
    else throw new RangeError(`an unknown type ${type}`)
  }

  private skipList(depth: number): void {
    const byte = this.byte()
    const length = byte >> 4 === 15 ? this.unsigned() : byte >> 4
    const type = byte & 15
    for (let i = 0; i < length; i++) {
      if (type === TRUE || type === FALSE) this.move(1)
      else this.skip(type, depth + 1)
    }
  }

  private skipStruct(depth: number): void {
    for (;;) {
      const byte = this.byte()
      if ((byte & 15) === STOP) return
      if (byte >> 4 === 0) this.unsigned()
      this.skip(byte & 15, depth + 1)
    }
  }
}

const STOP = 0
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12
