// AssemblyScript. The twin of ../../phrases.ts, over what ../../native-phrases.ts has written.

/**
 * Whether a phrase begins with the word at `at` and ends before `end`. `phrases`: by the low 12 bits of a word the address of the first of
 * the phrases that may begin with it. A phrase = next, first word, number of words after it, these.
 */
export function beginsPhrase(phrases: usize, word: u32, at: usize, end: usize): bool {
  const head = <usize>load<u32>(phrases + ((<usize>(word & 0xfff)) << 2))
  return head !== 0 && isPhrase(head, word, at, end)
}

function isPhrase(head: usize, word: u32, at: usize, end: usize): bool {
  for (let phrase = head; phrase !== 0; phrase = load<u32>(phrase)) {
    if (load<u32>(phrase, 4) !== word) continue
    const rest = load<i32>(phrase, 8)
    if (at + ((<usize>rest) << 2) >= end) continue
    let k = 0
    while (k < rest && load<u32>(phrase + ((<usize>k) << 2), 12) === load<u32>(at + ((<usize>k) << 2), 4)) k++
    if (k === rest) return true
  }
  return false
}
