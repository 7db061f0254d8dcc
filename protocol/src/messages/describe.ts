/** The board's own message table, ids 0x10-0x11: boards that know no other table than their own leave it out. */
export const describeMessages = {
  describe:
    "0x10 request:describe_answer host first:u8 -- Asks for the lines of the board's message table, from this id on.",
  describe_answer:
    "0x11 response board next:u8 data:rest -- Lines `name line`, one after the other, each closed by a line feed and without its sentence; the id to go on with, or 0 at the end.",
} as const;
