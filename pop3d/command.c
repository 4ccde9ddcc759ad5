/*
 * pop3d/command.c - takes a POP3 command line apart. Untrusted input, no I/O.
 */
#include "pop3d/command.h"

#include "lib/base/parse.h"

int
command_parse(struct slice line, struct command_line *out)
{
    size_t space = slice_index(line, ' ');

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];

        if (c < 0x20 || c == 0x7f)
            return -1;
    }
    if (space != 3 && space != 4)
        return -1;
    out->verb = slice_sub(line, 0, space);
    out->args = slice_sub(line, space + 1, line.len);
    return 0;
}

int
command_numbers(struct slice args, size_t min, size_t max, uint64_t *out)
{
    size_t count = 0;

    while (slice_ends(args, SLICE(" ")))
        args.len--;
    while (args.len > 0) {
        struct slice word = slice_split(&args, ' ');

        if (count == max || parse_u64(word, UINT32_MAX, &out[count]) < 0)
            return -1;
        count++;
    }
    return count < min ? -1 : (int)count;
}
