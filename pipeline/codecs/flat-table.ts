/** The little of FlatBuffers that checking Arrow's metadata needs; whatever lies outside of the bytes throws RangeError. */
export class FlatTable {
  private readonly bytes: Buffer
  private readonly start: number

  private constructor(bytes: Buffer, start: number) {
    this.bytes = bytes
    this.start = start
  }

  static root(bytes: Buffer): FlatTable {
    return new FlatTable(bytes, bytes.readUInt32LE(0))
  }

  /** Where the value of a field lies; 0 if it is left out. */
  private place(field: number): number {
    const fields = this.start - this.bytes.readInt32LE(this.start)
    if (4 + field * 2 >= this.bytes.readUInt16LE(fields)) return 0
    const offset = this.bytes.readUInt16LE(fields + 4 + field * 2)
    return offset === 0 ? 0 : this.start + offset
  }

  byte(field: number): number {
    const at = this.place(field)
    return at === 0 ? 0 : this.bytes.readUInt8(at)
  }

  long(field: number): number {
    const at = this.place(field)
    return at === 0 ? 0 : this.longAt(at)
  }

  longAt(at: number): number {
    return Number(this.bytes.readBigInt64LE(at))
  }

  table(field: number): FlatTable | undefined {
    const at = this.place(field)
    return at === 0 ? undefined : new FlatTable(this.bytes, at + this.bytes.readUInt32LE(at))
  }

  /** Where a vector's items of `width` bytes begin, and how many there are. */
  vector(field: number, width: number): { at: number; length: number } {
    const place = this.place(field)
    if (place === 0) return { at: 0, length: 0 }
    const at = place + this.bytes.readUInt32LE(place) + 4
    const length = this.bytes.readUInt32LE(at - 4)
    if (at + length * width > this.bytes.length) throw new RangeError(`a list of ${length} reaches beyond its message`)
    return { at, length }
  }

  tables(field: number): FlatTable[] {
    const { at, length } = this.vector(field, 4)
    return Array.from({ length }, (_, k) => new FlatTable(this.bytes, at + k * 4 + this.bytes.readUInt32LE(at + k * 4)))
  }
}
