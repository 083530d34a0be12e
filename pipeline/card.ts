import type { Manifest } from './manifest.ts'
export function cardOf(_m: Manifest): string { return '' }
