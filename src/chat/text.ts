/** What people write, looked at as a reader would: whether there is anything to see. Pure. */

/** Blanks, controls, invisible formatting and the fillers that fonts draw as nothing. */
const BLANK = /^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

export const isBlank = (text: string): boolean => BLANK.test(text);
