import type { Embedder, Scorer } from '../scorer.ts'
import { openOnnx, openOnnxEmbedder } from './onnx.ts'

/** Opens a configured reward model. `digest` names the content of its files and so what it says. */
export const openScorer = (name: string, folder: string, digest: string): Promise<Scorer> => openOnnx(name, folder, digest)

/** Opens an embedding model; `named` is the folder as the config has it. */
export const openEmbedder = (named: string, folder: string): Promise<Embedder> => openOnnxEmbedder(named, folder)
