/** Fixed phrases of style: how assistants begin, and how texts hedge. */
import { type Phrases, phrasesOf } from './phrases.ts'

const OPENERS = `sure|certainly|of course|absolutely|definitely|great question|good question|no problem|gladly|happy to help
i d be happy to|i would be happy to|i m happy to|i am happy to|thank you for|thanks for|as an ai|as a language model|as a large language model
i m sorry|i am sorry|i apologize|i apologise|i m an ai|i am an ai|here is|here are|here s|okay|ok|alright|hello|hi there
natürlich|gerne|sicher|als ki|als sprachmodell|hier ist|hier sind|es tut mir leid|bien sûr|certainement|voici|en tant qu ia|je suis désolé
claro|por supuesto|aquí tienes|como modelo de lenguaje|lo siento|com certeza|certamente|ecco|конечно|вот|как языковая модель
当然|好的|没问题|作为一个|作为ai|很高兴|抱歉|对不起|以下是|もちろん|はい|물론입니다|네`

const HEDGES = `perhaps|maybe|possibly|probably|presumably|likely|apparently|arguably|seemingly|might|could|may|can vary|seem|seems|seemed
appear to|appears to|tend to|tends to|suggests|generally|typically|usually|often|sometimes|somewhat|in general|in some cases|in most cases
it depends|depending on|it is possible|it s possible|i think|i believe|i guess|in my opinion|not sure|not certain|however|although|that said
vielleicht|möglicherweise|wahrscheinlich|vermutlich|könnte|normalerweise|peut être|probablement|généralement|pourrait|quizás|tal vez|probablemente
generalmente|podría|talvez|provavelmente|возможно|вероятно|может быть|наверное|обычно|可能|也许|或许|大概|通常|一般来说|たぶん|かもしれません|아마`

const listed = (text: string): string[] => text.split(/[|\n]/)

export const openers: Phrases = phrasesOf(listed(OPENERS))
export const hedges: Phrases = phrasesOf(listed(HEDGES))

/** Whether one of the phrases begins at word k of words[.. to). */
export function isPhraseAt(phrases: Phrases, words: Uint32Array, k: number, to: number): boolean {
  const rests = phrases.get(words[k])
  if (!rests) return false
  return rests.some(rest => k + rest.length < to && rest.every((word, j) => words[k + 1 + j] === word))
}

/** A small table by which nearly all words are told to begin no hedge: 1 where mayHedge[word & (length - 1)] might. */
export const mayHedge = new Uint8Array(1 << 12)
for (const first of hedges.keys()) mayHedge[first & (mayHedge.length - 1)] = 1
