/** A list of int32 that doubles when full. */
export class Ints {
  private values = new Int32Array(1024)
  length = 0
  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.length++] = value
  }
  /** The numbers so far, copied; the list is empty afterwards. */
  take(): Int32Array<ArrayBuffer> {
    const taken = this.values.slice(0, this.length)
    this.length = 0
    return taken
  }
}
