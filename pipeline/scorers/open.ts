import type { Embedder, Scorer } from '../scorer.ts'
import { openOnnx, openOnnxEmbedder } from './onnx.ts'

/** Opens a configured reward model. `digest` names the content of its files and so what it says. */
export const openScorer = (name: string, folder: string, digest: string): Promise<Scorer> => openOnnx(name, folder, digest)

/** Opens an embedding model; `named` is the folder as the config has it, or the name of the one that goldpan makes itself, which has no folder. */
export const openEmbedder = (named: string, folder: string | undefined): Promise<Embedder> => openOnnxEmbedder(named, folder ?? named)
