/**
 * A cell that begins like a formula is run by spreadsheets, full-width signs and line ends included (OWASP, CSV injection); an apostrophe
 * before it makes it text. One that begins so behind apostrophes gets one more, so that `restored` knows its own.
 */
export const inert = (text: string): string => (/^'*[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text)

/** What `inert` was given. */
export const restored = (text: string): string => (/^'+[=+\-@\t\r\n＝＋－＠]/u.test(text) ? text.slice(1) : text)
