/**
 * A cell that begins like a formula is run by spreadsheets, full-width signs and line ends included (OWASP, CSV injection); an apostrophe
 * before it makes it text.
 */
export const inert = (text: string): string => (/^[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text)
