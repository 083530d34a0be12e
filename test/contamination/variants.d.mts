export const variants: Readonly<Record<string, (text: string) => string>>
export const wraps: Readonly<Record<string, (text: string) => string>>
export const bare: readonly string[]
