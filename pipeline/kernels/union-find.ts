/** Connected components of 0 .. size - 1, 4 bytes each. A component is named by its smallest member, whatever the order of unions. */
export class UnionFind {
  readonly #parent: Int32Array

  constructor(size: number) {
    this.#parent = new Int32Array(size)
    for (let i = 0; i < size; i++) this.#parent[i] = i
  }

  find(i: number): number {
    const parent = this.#parent
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]]
      i = parent[i]
    }
    return i
  }

  union(i: number, j: number): void {
    const a = this.find(i)
    const b = this.find(j)
    if (a < b) this.#parent[b] = a
    else this.#parent[a] = b
  }
}
