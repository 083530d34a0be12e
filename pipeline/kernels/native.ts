/** The WebAssembly twins of kernels, where the build has made them; elsewhere (in tests from source) plain TypeScript does the same. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is used of the global that Node has and its types lack. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): void
}

export interface Native {
  readonly memory: Memory
  /** First address that the code leaves to the host. */
  readonly base: number
  readonly call: Readonly<Record<string, (...args: number[]) => number>>
}

const PAGE_BYTES = 65_536

/** Starts a compiled kernel with so many bytes for the host to lay out. */
export function instantiate(wasm: Uint8Array<ArrayBuffer>, bytes: number): Native {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { abort } })
  const { memory, ...call } = exports as unknown as Native['call'] & { memory: Memory }
  const base = Math.ceil(call.base() / 16) * 16
  const native = { memory, base, call }
  grow(native, base + bytes)
  return native
}

/** Makes sure that addresses below `end` are memory. Arrays over a smaller memory are lost. */
export function grow({ memory }: Native, end: number): void {
  const missing = Math.ceil(end / PAGE_BYTES) - memory.buffer.byteLength / PAGE_BYTES
  if (missing > 0) memory.grow(missing)
}

function abort(): never {
  throw new Error('a compiled kernel failed')
}

/** The compiled code of a kernel, if it is there: beside this module, or below the folder of a program that holds it. */
export function compiled(name: string): Uint8Array<ArrayBuffer> | undefined {
  const path = ['wasm', 'kernels/wasm'].map(folder => join(import.meta.dirname, folder, `${name}.wasm`)).find(existsSync)
  return path === undefined ? undefined : new Uint8Array(readFileSync(path))
}

/** Lays out regions one after another from an address on, each on a multiple of 16. */
export function layOut<K extends string>(base: number, sizes: Readonly<Record<K, number>>): Readonly<Record<K | 'end', number>> {
  let at = base
  const places: Record<string, number> = {}
  for (const [name, size] of Object.entries<number>(sizes)) {
    places[name] = at
    at += Math.ceil(size / 16) * 16
  }
  return { ...places, end: at } as Record<K | 'end', number>
}
