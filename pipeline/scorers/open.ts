import type { Scorer } from '../scorer.ts'
import { openOnnx } from './onnx.ts'

/** Opens a configured reward model. `digest` names the content of its files and so what it says. */
export const openScorer = (name: string, folder: string, digest: string): Promise<Scorer> => openOnnx(name, folder, digest)
